/* SPDX-License-Identifier: Apache-2.0 */
/* Filter expressions that are right: each word and rule of the language alone and together. X(expression) for
 * those that look up no name of a host. */
#ifndef CM_TESTS_EXPRESSION_LIST_H
#define CM_TESTS_EXPRESSION_LIST_H

#define CM_RIGHT_EXPRESSIONS(X)                                                                              \
    X("")                                                                                                    \
    X("host 10.0.0.1")                                                                                       \
    X("src host 10.0.0.1")                                                                                   \
    X("dst host 10.0.0.1")                                                                                   \
    X("src or dst host 10.0.0.1")                                                                            \
    X("dst or src host 10.0.0.1")                                                                            \
    X("src and dst host 10.0.0.1")                                                                           \
    X("dst and src host 10.0.0.1")                                                                           \
    X("ip host 10.0.0.1")                                                                                    \
    X("arp host 10.0.0.1")                                                                                   \
    X("rarp host 10.0.0.1")                                                                                  \
    X("ip src 10.0.0.1")                                                                                     \
    X("src 10.0.0.1")                                                                                        \
    X("dst 10.0.0.1")                                                                                        \
    X("host 10.0.0.1 or 10.0.0.2")                                                                           \
    X("host 10.0.0.1 and 10.0.0.2")                                                                          \
    X("host 10.0.0.1 or (10.0.0.2 and 10.0.0.3)")                                                            \
    X("host (10.0.0.1 or 10.0.0.2)")                                                                         \
    X("host (10.0.0.1 or not 10.0.0.2)")                                                                     \
    X("host not 10.0.0.1")                                                                                   \
    X("host (not 10.0.0.1)")                                                                                 \
    X("src host 10.0.0.1 and not dst host 10.0.0.2")                                                         \
    X("src 10.0.0.1 and (dst 10.0.0.2 or 10.0.0.3)")                                                         \
    X("host 10.1")                                                                                           \
    X("host 2130706433")                                                                                     \
    X("ip host 167772161")                                                                                   \
    X("host ::1")                                                                                            \
    X("host fe80::1")                                                                                        \
    X("ip6 host 2001:db8::1")                                                                                \
    X("src host 2001:db8:0:0:0:0:0:1")                                                                       \
    X("dst host ::ffff:10.0.0.1")                                                                            \
    X("host 2001:db8::10.0.0.1")                                                                             \
    X("net 10")                                                                                              \
    X("net 10.0")                                                                                            \
    X("net 10.0.0.0/8")                                                                                      \
    X("net 10.0/16")                                                                                         \
    X("src net 192.168.0.0/16")                                                                              \
    X("dst net 192.168.1.0/24")                                                                              \
    X("src or dst net 172.16.0.0/12")                                                                        \
    X("net 10.0.0.0 mask 255.0.0.0")                                                                         \
    X("net 10.0 mask 255.255.0.0")                                                                           \
    X("ip net 10.0.0.0/8")                                                                                   \
    X("arp net 10.0.0.0/8")                                                                                  \
    X("net 0.0.0.0/0")                                                                                       \
    X("net 10.0.0.1/32")                                                                                     \
    X("ip6 net 2001:db8::/32")                                                                               \
    X("net fe80::/10")                                                                                       \
    X("net ::/0")                                                                                            \
    X("net fe80::1/128")                                                                                     \
    X("src net 2001:db8::/32 or 2001:db9::/32")                                                              \
    X("net 10.0.0.0/8 or 192.168.0.0/16")                                                                    \
    X("port 80")                                                                                             \
    X("port http")                                                                                           \
    X("tcp port 80")                                                                                         \
    X("udp port 53")                                                                                         \
    X("sctp port 5060")                                                                                      \
    X("tcp port http")                                                                                       \
    X("tcp src port 80")                                                                                     \
    X("tcp dst port 80")                                                                                     \
    X("src port 80")                                                                                         \
    X("dst port 443")                                                                                        \
    X("src or dst port 25")                                                                                  \
    X("src and dst port 25")                                                                                 \
    X("port 80 or port 443")                                                                                 \
    X("port 80 or 443")                                                                                      \
    X("port (80 or 443)")                                                                                    \
    X("port (80 or 443 or 8080) and not host 10.0.0.1")                                                      \
    X("tcp port (22 or 23)")                                                                                 \
    X("port not 22")                                                                                         \
    X("port 0")                                                                                              \
    X("port 65535")                                                                                          \
    X("port 0x50")                                                                                           \
    X("port 0120")                                                                                           \
    X("port domain")                                                                                         \
    X("udp port domain")                                                                                     \
    X("portrange 6000-6008")                                                                                 \
    X("tcp portrange 80-90")                                                                                 \
    X("udp portrange 100-200")                                                                               \
    X("src portrange 0-1023")                                                                                \
    X("dst portrange 1024-65535")                                                                            \
    X("tcp src portrange 1-100")                                                                             \
    X("portrange 80")                                                                                        \
    X("portrange 90-80")                                                                                     \
    X("portrange 6000-6008 or 7000-7008")                                                                    \
    X("proto 6")                                                                                             \
    X("proto 17 or 6")                                                                                       \
    X("ip proto 6")                                                                                          \
    X("ip proto \\tcp")                                                                                      \
    X("ip proto \\udp")                                                                                      \
    X("ip proto \\icmp")                                                                                     \
    X("ip proto (\\tcp or \\udp)")                                                                           \
    X("ip6 proto 58")                                                                                        \
    X("ip6 proto \\tcp")                                                                                     \
    X("proto \\tcp")                                                                                         \
    X("ether proto 0x800")                                                                                   \
    X("ether proto \\ip")                                                                                    \
    X("ether proto \\ip6")                                                                                   \
    X("ether proto \\arp")                                                                                   \
    X("ether proto \\rarp")                                                                                  \
    X("ether proto \\atalk")                                                                                 \
    X("ether proto \\aarp")                                                                                  \
    X("ether proto \\decnet")                                                                                \
    X("ether proto \\iso")                                                                                   \
    X("ether proto \\stp")                                                                                   \
    X("ether proto \\ipx")                                                                                   \
    X("ether proto \\netbeui")                                                                               \
    X("ether proto \\lat")                                                                                   \
    X("ether proto \\moprc")                                                                                 \
    X("ether proto \\mopdl")                                                                                 \
    X("ether proto 0x8100")                                                                                  \
    X("ether proto 100")                                                                                     \
    X("link proto \\ip")                                                                                     \
    X("iso proto \\clnp")                                                                                    \
    X("iso proto \\esis")                                                                                    \
    X("iso proto \\isis")                                                                                    \
    X("iso proto 0x83")                                                                                      \
    X("isis proto 18")                                                                                       \
    X("ip protochain 6")                                                                                     \
    X("ip6 protochain 6")                                                                                    \
    X("ip protochain \\udp")                                                                                 \
    X("ether host 00:11:22:33:44:55")                                                                        \
    X("ether host 0-1-2-3-4-5")                                                                              \
    X("ether host 00.11.22.33.44.55")                                                                        \
    X("ether host 0011.2233.4455")                                                                           \
    X("ether host 001122334455")                                                                             \
    X("ether src 00:11:22:33:44:55")                                                                         \
    X("ether dst ff:ff:ff:ff:ff:ff")                                                                         \
    X("ether src host 00:11:22:33:44:55")                                                                    \
    X("ether dst host 00:11:22:33:44:55")                                                                    \
    X("ether src or dst 00:11:22:33:44:55")                                                                  \
    X("ether src and dst 00:11:22:33:44:55")                                                                 \
    X("ether host (00:11:22:33:44:55 or 00:11:22:33:44:56)")                                                 \
    X("fddi host 00:11:22:33:44:55")                                                                         \
    X("tr host 00:11:22:33:44:55")                                                                           \
    X("wlan host 00:11:22:33:44:55")                                                                         \
    X("wlan addr1 00:11:22:33:44:55")                                                                        \
    X("wlan addr2 00:11:22:33:44:55")                                                                        \
    X("wlan addr3 00:11:22:33:44:55")                                                                        \
    X("wlan addr4 00:11:22:33:44:55")                                                                        \
    X("wlan address1 00:11:22:33:44:55")                                                                     \
    X("wlan ra 00:11:22:33:44:55")                                                                           \
    X("wlan ta 00:11:22:33:44:55")                                                                           \
    X("ether broadcast")                                                                                     \
    X("ether multicast")                                                                                     \
    X("broadcast")                                                                                           \
    X("multicast")                                                                                           \
    X("ip broadcast")                                                                                        \
    X("ip multicast")                                                                                        \
    X("ip6 multicast")                                                                                       \
    X("link multicast")                                                                                      \
    X("ip")                                                                                                  \
    X("ip6")                                                                                                 \
    X("arp")                                                                                                 \
    X("rarp")                                                                                                \
    X("tcp")                                                                                                 \
    X("udp")                                                                                                 \
    X("sctp")                                                                                                \
    X("icmp")                                                                                                \
    X("icmp6")                                                                                               \
    X("igmp")                                                                                                \
    X("igrp")                                                                                                \
    X("pim")                                                                                                 \
    X("vrrp")                                                                                                \
    X("carp")                                                                                                \
    X("ah")                                                                                                  \
    X("esp")                                                                                                 \
    X("atalk")                                                                                               \
    X("aarp")                                                                                                \
    X("decnet")                                                                                              \
    X("lat")                                                                                                 \
    X("sca")                                                                                                 \
    X("moprc")                                                                                               \
    X("mopdl")                                                                                               \
    X("iso")                                                                                                 \
    X("clnp")                                                                                                \
    X("esis")                                                                                                \
    X("es-is")                                                                                               \
    X("isis")                                                                                                \
    X("is-is")                                                                                               \
    X("l1")                                                                                                  \
    X("l2")                                                                                                  \
    X("iih")                                                                                                 \
    X("lsp")                                                                                                 \
    X("snp")                                                                                                 \
    X("csnp")                                                                                                \
    X("psnp")                                                                                                \
    X("stp")                                                                                                 \
    X("ipx")                                                                                                 \
    X("netbeui")                                                                                             \
    X("less 64")                                                                                             \
    X("greater 1000")                                                                                        \
    X("less 0x40")                                                                                           \
    X("len > 100")                                                                                           \
    X("len >= 100")                                                                                          \
    X("len < 100")                                                                                           \
    X("len <= 100")                                                                                          \
    X("len = 100")                                                                                           \
    X("len == 100")                                                                                          \
    X("len != 100")                                                                                          \
    X("length > 100")                                                                                        \
    X("100 < len")                                                                                           \
    X("len - 14 > 100")                                                                                      \
    X("vlan")                                                                                                \
    X("vlan 100")                                                                                            \
    X("vlan 4095")                                                                                           \
    X("vlan (100)")                                                                                          \
    X("vlan 100 and tcp")                                                                                    \
    X("vlan and vlan 200")                                                                                   \
    X("vlan 100 and vlan 200 and ip")                                                                        \
    X("mpls")                                                                                                \
    X("mpls 1000")                                                                                           \
    X("mpls 1048575")                                                                                        \
    X("mpls and mpls")                                                                                       \
    X("mpls 1 and mpls 2 and host 10.0.0.1")                                                                 \
    X("pppoed")                                                                                              \
    X("pppoes")                                                                                              \
    X("pppoes 12")                                                                                           \
    X("pppoes 65535 and ip")                                                                                 \
    X("pppoes and tcp port 80")                                                                              \
    X("geneve")                                                                                              \
    X("geneve 100")                                                                                          \
    X("geneve 0xffffff and ip")                                                                              \
    X("geneve and tcp")                                                                                      \
    X("ip[0] & 0xf != 5")                                                                                    \
    X("ip[0] & 0xf > 5")                                                                                     \
    X("ip[8] < 5")                                                                                           \
    X("ip[6:2] & 0x1fff = 0")                                                                                \
    X("ip[6:2] & 0x2000 != 0")                                                                               \
    X("ip[12:4] = 0x0a000001")                                                                               \
    X("ip[2:2] > 576")                                                                                       \
    X("ip[9] = 6 or ip[9] = 17")                                                                             \
    X("ip6[6] = 6")                                                                                          \
    X("ip6[40:2] = 80")                                                                                      \
    X("ether[0] & 1 = 0")                                                                                    \
    X("ether[12:2] = 0x0800")                                                                                \
    X("link[0] = 0")                                                                                         \
    X("ether[6:4] = 0x00112233 and ether[10:2] = 0x4455")                                                    \
    X("tcp[13] & 2 != 0")                                                                                    \
    X("tcp[tcpflags] & (tcp-syn|tcp-fin) != 0")                                                              \
    X("tcp[tcpflags] & tcp-syn != 0 and tcp[tcpflags] & tcp-ack = 0")                                        \
    X("tcp[tcpflags] == tcp-syn")                                                                            \
    X("tcp[tcpflags] = (tcp-syn|tcp-ack)")                                                                   \
    X("tcp[tcpflags]&(tcp-rst|tcp-push|tcp-urg|tcp-ece|tcp-cwr)!=0")                                         \
    X("tcp[0:2] > 1023")                                                                                     \
    X("tcp[((tcp[12]&0xf0)>>2):4] = 0x47455420")                                                             \
    X("tcp[(tcp[12] >> 4) * 4] = 0x16")                                                                      \
    X("(tcp[12] & 0xf0) >> 2 > 20")                                                                          \
    X("udp[0:2] = 53 or udp[2:2] = 53")                                                                      \
    X("udp[4:2] - 8 > 512")                                                                                  \
    X("icmp[icmptype] = icmp-echo")                                                                          \
    X("icmp[icmptype] != icmp-echo and icmp[icmptype] != icmp-echoreply")                                    \
    X("icmp[icmptype] = icmp-unreach and icmp[icmpcode] = 3")                                                \
    X("icmp[0] = icmp-redirect or icmp[0] = icmp-timxceed")                                                  \
    X("icmp[icmptype] = icmp-sourcequench or icmp[icmptype] = icmp-paramprob")                               \
    X("icmp[icmptype] >= icmp-tstamp and icmp[icmptype] <= icmp-maskreply")                                  \
    X("icmp6[icmp6type] = icmp6-echo")                                                                       \
    X("icmp6[icmp6type] = icmp6-neighborsolicit or icmp6[icmp6type] = icmp6-neighboradvert")                 \
    X("icmp6[icmp6type] == icmp6-routeradvert and icmp6[icmp6code] == 0")                                    \
    X("icmp6[0] = icmp6-packettoobig")                                                                       \
    X("arp[6:2] = 1")                                                                                        \
    X("arp[7] = 2 and arp[14:4] = 0x0a000001")                                                               \
    X("rarp[7] = 3")                                                                                         \
    X("igmp[0] = 0x11")                                                                                      \
    X("pim[0] = 0x20")                                                                                       \
    X("vrrp[0] = 0x21")                                                                                      \
    X("sctp[0:2] = 5060")                                                                                    \
    X("atalk[0] = 1")                                                                                        \
    X("decnet[0] = 1")                                                                                       \
    X("-ip[0] < 0")                                                                                          \
    X("ip[0] + ip[1] * 2 - ip[2] / 3 > 4")                                                                   \
    X("ip[2:2] % 2 = 1")                                                                                     \
    X("ip[8] ^ 0xff = 0xc0")                                                                                 \
    X("ip[8] << 1 > 10")                                                                                     \
    X("ip[8] >> 1 < 10")                                                                                     \
    X("ip[8] | 1 = 65")                                                                                      \
    X("1 + 1 = 2")                                                                                           \
    X("2 * 3 - 1 != 4")                                                                                      \
    X("(1) > 0")                                                                                             \
    X("((len)) > 50")                                                                                        \
    X("ip[ip[0] & 0xf] = 1")                                                                                 \
    X("ether[14 + (ether[14] & 0xf) * 4 : 2] = 80")                                                          \
    X("len / ip[8] > 3")                                                                                     \
    X("len % ip[9] = 0")                                                                                     \
    X("len << ip[9] > 4")                                                                                    \
    X("byte 0 = 1")                                                                                          \
    X("byte 14 & 0xf")                                                                                       \
    X("byte 14 | 1")                                                                                         \
    X("byte 14 > 60")                                                                                        \
    X("byte 14 < 70")                                                                                        \
    X("not tcp")                                                                                             \
    X("! tcp")                                                                                               \
    X("not not tcp")                                                                                         \
    X("!!tcp")                                                                                               \
    X("not (tcp or udp)")                                                                                    \
    X("tcp and not udp")                                                                                     \
    X("tcp && not udp")                                                                                      \
    X("tcp || udp")                                                                                          \
    X("tcp or udp or icmp")                                                                                  \
    X("tcp and port 80 or udp and port 53")                                                                  \
    X("(tcp and port 80) or (udp and port 53)")                                                              \
    X("((tcp))")                                                                                             \
    X("(((tcp) and ((port 80))))")                                                                           \
    X("tcp and (port 80 or port 443) and not net 192.168.0.0/16 and greater 64")                             \
    X("not host 10.0.0.1 and not 10.0.0.2")                                                                  \
    X("host 10.0.0.1 and not (10.0.0.2 or 10.0.0.3)")                                                        \
    X("host 10.0.0.1 and (not 10.0.0.2)")                                                                    \
    X("host 10.0.0.1 or (not (10.0.0.2))")                                                                   \
    X("port 80 and (1) > 0")                                                                                 \
    X("host 10.0.0.1 and (len - 1) > 60")                                                                    \
    X("ip host 10.0.0.1 and tcp port 80 or 443")                                                             \
    X("tcp port 80 and host 10.0.0.1 or 10.0.0.2")                                                           \
    X("ip and not broadcast and not multicast")                                                              \
    X("tcp and ip[2:2] > 64")                                                                                \
    X("udp and ip[6:2] & 0x1fff = 0 and not port 53")                                                        \
    X("ether[0] & 1 = 0 and ip[16] >= 224")                                                                  \
    X("ip6 and tcp port 22")                                                                                 \
    X("ip6 and not icmp6")                                                                                   \
    X("ip and (tcp or udp) and portrange 1-1023")                                                            \
    X("vlan and (tcp port 80 or udp port 53)")                                                               \
    X("type mgt")                                                                                            \
    X("type mgt subtype beacon")                                                                             \
    X("type management subtype probe-req")                                                                   \
    X("type ctl subtype ack")                                                                                \
    X("type control subtype rts")                                                                            \
    X("type data subtype qos-data")                                                                          \
    X("type data")                                                                                           \
    X("type 8 subtype 0x80")                                                                                 \
    X("type 0 subtype 128")                                                                                  \
    X("type mgt subtype 0x80")                                                                               \
    X("subtype beacon")                                                                                      \
    X("subtype qos-data")                                                                                    \
    X("subtype null")                                                                                        \
    X("wlan type mgt")                                                                                       \
    X("wlan type data subtype null")                                                                         \
    X("wlan subtype assoc-req")                                                                              \
    X("dir tods")                                                                                            \
    X("dir fromds")                                                                                          \
    X("dir nods")                                                                                            \
    X("dir dstods")                                                                                          \
    X("direction 1")                                                                                         \
    X("dir 3")                                                                                               \
    X("wlan dir tods")                                                                                       \
    X("wlan host 00:11:22:33:44:55 and type data")                                                           \
    X("llc")                                                                                                 \
    X("llc i")                                                                                               \
    X("llc s")                                                                                               \
    X("llc u")                                                                                               \
    X("llc rr")                                                                                              \
    X("llc rnr")                                                                                             \
    X("llc rej")                                                                                             \
    X("llc ui")                                                                                              \
    X("llc xid")                                                                                             \
    X("llc test")                                                                                            \
    X("llc sabme")                                                                                           \
    X("inbound")                                                                                             \
    X("outbound")                                                                                            \
    X("ifindex 1")                                                                                           \
    X("ifname em0")                                                                                          \
    X("on em0")                                                                                              \
    X("rnr 5")                                                                                               \
    X("rulenum 5")                                                                                           \
    X("srnr 5")                                                                                              \
    X("subrulenum 5")                                                                                        \
    X("reason match")                                                                                        \
    X("reason short")                                                                                        \
    X("reason 3")                                                                                            \
    X("rset abc")                                                                                            \
    X("ruleset abc")                                                                                         \
    X("action pass")                                                                                         \
    X("action block")                                                                                        \
    X("action nat")                                                                                          \
    X("lane")                                                                                                \
    X("metac")                                                                                               \
    X("bcc")                                                                                                 \
    X("sc")                                                                                                  \
    X("ilmic")                                                                                               \
    X("oam")                                                                                                 \
    X("oamf4")                                                                                               \
    X("oamf4ec")                                                                                             \
    X("oamf4sc")                                                                                             \
    X("connectmsg")                                                                                          \
    X("metaconnect")                                                                                         \
    X("vpi 1")                                                                                               \
    X("vci 5")                                                                                               \
    X("vpi > 1")                                                                                             \
    X("vci != 5")                                                                                            \
    X("vpi (1 or 2)")                                                                                        \
    X("vpi 1 and vci (33 or 34)")                                                                            \
    X("fisu")                                                                                                \
    X("lssu")                                                                                                \
    X("lsu")                                                                                                 \
    X("msu")                                                                                                 \
    X("sio 3")                                                                                               \
    X("opc 100")                                                                                             \
    X("dpc 100 or opc 200")                                                                                  \
    X("sls 3")                                                                                               \
    X("sio (1 or 2 or 3)")                                                                                   \
    X("opc < 10")                                                                                            \
    X("radio[0] = 1")                                                                                        \
    X("ip src or dst 10.0.0.1")                                                                              \
    X("arp dst net 10")                                                                                      \
    X("ether proto \\arp and host 10.0.0.1")                                                                 \
    X("ip[0:1] = 0x45")                                                                                      \
    X("tcp src port 1024 or 1025 and not dst port 80")                                                       \
    X("src port (80 or 443) and dst net 10.0.0.0/8")                                                         \
    X("not port 22 and not arp and not icmp")

#endif
