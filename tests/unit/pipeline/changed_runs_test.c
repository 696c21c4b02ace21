/* SPDX-License-Identifier: Apache-2.0 */
/* Changes to packets that are out of the ordinary: longer than any network sends, and without a time. */
#include "unit/pipeline/made_captures.h"

/* USB captures know packets of up to 128 MiB. */
#define LINK_USBPCAP 249u

static const struct capmill_word ports[] = {{"80=8080", "--replace-port"}};
static const struct capmill_word families[] = {{"10.0.0.0/8=fd00::/104", "--replace-ip"}};

static void fix_sums(struct capmill_job *job)
{
    job->transform.checksums = CAPMILL_CHECKSUMS_FIX;
}

static void replace_ports(struct capmill_job *job)
{
    job->transform.replace_port = ports;
    job->transform.n_replace_port = 1;
}

static void cross_families(struct capmill_job *job)
{
    job->transform.replace_ip = families;
    job->transform.n_replace_ip = 1;
}

static void cut_payload(struct capmill_job *job)
{
    job->transform.max_payload_bytes = (struct capmill_word){"2M", "--max-payload-bytes"};
}

static void (*const wishes[])(struct capmill_job *job) = {fix_sums, replace_ports, cross_families,
                                                          cut_payload};

/* Nothing in them can be changed: they come out as they went in, by either method, in either format. */
CM_TEST(changed_runs, packets_of_a_megabyte_stay_whole)
{
    static const char *const names[] = {"out.pcap", "out.pcapng"};
    struct temporary_folder folder;
    const char *in, *late, *out, *back;
    struct made captures[2] = {{0}, {0}};
    struct made model = {0};
    struct made written = {0};

    temporary_open(&folder);
    in = temporary_path(&folder, "in.pcap");
    late = temporary_path(&folder, "late.pcap");
    back = temporary_path(&folder, "back.pcap");
    for (unsigned i = 0; i < 2; i++) {
        made_pcap(&captures[i], LINK_USBPCAP);
        made_record(&captures[i], START_S * 1000000 + 100 * (1 - i), 60, 1);
        made_record(&captures[i], START_S * 1000000 + 110 * (1 - i), 300u << 10, 2);
        made_record(&captures[i], START_S * 1000000 + 120 * (1 - i), 1u << 20, 3);
        made_record(&captures[i], START_S * 1000000 + 130 * (1 - i), 61, 4);
    }
    temporary_write(in, captures[0].bytes, captures[0].n);
    temporary_write(late, captures[1].bytes, captures[1].n);
    for (size_t n_inputs = 1; n_inputs <= 2; n_inputs++) { /* two that overlap: by index */
        model_sort(captures, n_inputs, &model);
        for (size_t w = 0; w < sizeof(wishes) / sizeof(wishes[0]); w++) {
            for (size_t f = 0; f < 2; f++) {
                const char *inputs[] = {in, late};
                struct capmill_output output;
                struct capmill_output plain = {.path = back, .format = CAPMILL_FORMAT_AUTO};
                struct capmill_job job;
                struct ran ran;

                out = temporary_path(&folder, names[f]);
                output = (struct capmill_output){.path = out, .format = CAPMILL_FORMAT_AUTO};
                sort_job(&job, inputs, n_inputs, &output);
                wishes[w](&job);
                ran_job(&job, &ran, NULL, NULL);
                cm_check_str(ran.text, "");
                cm_check_eq(ran.status, CAPMILL_OK);
                cm_check_str(ran.report.method, n_inputs == 1 ? "window" : "index");
                cm_check_eq(ran.report.packets_changed, 0);
                inputs[0] = out;
                sort_job(&job, inputs, 1, &plain);
                ran_job(&job, &ran, NULL, NULL);
                cm_check_eq(ran.status, CAPMILL_OK);
                file_read(back, &written);
                cm_check_eq(written.n, model.n);
                /* behind the snap length, which pcapng knows in another way */
                cm_check(memcmp(written.bytes + PCAP_HEADER_BYTES, model.bytes + PCAP_HEADER_BYTES,
                                model.n - PCAP_HEADER_BYTES) == 0);
                in = temporary_path(&folder, "in.pcap");
                late = temporary_path(&folder, "late.pcap");
                back = temporary_path(&folder, "back.pcap");
            }
        }
    }
    made_free(&captures[0]);
    made_free(&captures[1]);
    made_free(&model);
    made_free(&written);
    temporary_close(&folder);
}

static uint64_t time_of_record(const struct made *pcap, unsigned number)
{
    size_t at = PCAP_HEADER_BYTES;
    uint32_t head[4] = {0};

    for (unsigned i = 0; i <= number; i++) {
        cm_check(at + PCAP_RECORD_BYTES <= pcap->n);
        memcpy(head, pcap->bytes + at, sizeof(head));
        at += PCAP_RECORD_BYTES + head[2];
    }
    return head[0] * UINT64_C(1000000) + head[1];
}

CM_TEST(changed_runs, what_has_no_time_takes_that_of_the_earliest_that_has)
{
    struct temporary_folder folder;
    const char *in, *out, *back;
    struct made capture = {0};
    struct made written = {0};

    temporary_open(&folder);
    in = temporary_path(&folder, "in.pcapng");
    out = temporary_path(&folder, "out.pcapng");
    back = temporary_path(&folder, "back.pcap");
    made_pcapng(&capture);
    made_interface(&capture, 1);
    made_simple_packet(&capture, 60);
    made_packet(&capture, 0, START_S * 1000000 + 500000, 60, 1);
    made_packet(&capture, 0, START_S * 1000000 + 1500000, 60, 2);
    temporary_write(in, capture.bytes, capture.n);
    for (unsigned n_threads = 1; n_threads <= 2; n_threads++) {
        const char *inputs[] = {in};
        struct capmill_output output = {.path = out, .format = CAPMILL_FORMAT_AUTO};
        struct capmill_output plain = {.path = back, .format = CAPMILL_FORMAT_PCAP};
        struct capmill_job job;
        struct ran ran;

        sort_job(&job, inputs, 1, &output);
        job.n_threads = n_threads;
        job.transform.timestamp_start = (struct capmill_word){"7000", "--timestamp-start"};
        ran_job(&job, &ran, NULL, NULL);
        cm_check_eq(ran.status, CAPMILL_OK);
        cm_check_eq(ran.report.n_unchanged, 0);
        inputs[0] = out;
        sort_job(&job, inputs, 1, &plain);
        ran_job(&job, &ran, NULL, NULL);
        cm_check_eq(ran.status, CAPMILL_OK);
        file_read(back, &written);
        cm_check_eq(time_of_record(&written, 0), 7000000);
        cm_check_eq(time_of_record(&written, 1), 7000000);
        cm_check_eq(time_of_record(&written, 2), 8000000);
    }
    made_free(&capture);
    made_free(&written);
    temporary_close(&folder);
}
