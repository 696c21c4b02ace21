/* SPDX-License-Identifier: Apache-2.0 */
/* Stop requests and terminals of the Windows console. Not for stopping a run: that is the reader of the flag.
 */
#include "os/process.h"
#include "os/windows/system_windows.h"

/* The console's handler gets no context, so this one pointer has to live at file scope. Stored before the
 * handler is installed; read by it on a thread of the system's. */
static _Atomic(_Atomic int *) stop_flag;

static BOOL WINAPI on_console_event(DWORD event)
{
    _Atomic int *flag = atomic_load_explicit(&stop_flag, memory_order_acquire);
    int none = 0;

    if (flag == NULL || (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT))
        return FALSE;
    /* The second request falls through to the default, which ends the process. */
    return atomic_compare_exchange_strong(flag, &none, 2);
}

void cm_process_catch_stop(_Atomic int *flag)
{
    atomic_store_explicit(&stop_flag, flag, memory_order_release);
    SetConsoleCtrlHandler(on_console_event, TRUE);
}

static bool is_terminal(DWORD which)
{
    DWORD mode;

    return GetConsoleMode(GetStdHandle(which), &mode) != 0;
}

bool cm_process_stderr_is_terminal(void)
{
    return is_terminal(STD_ERROR_HANDLE);
}

bool cm_process_stdout_is_terminal(void)
{
    return is_terminal(STD_OUTPUT_HANDLE);
}

unsigned cm_process_terminal_columns(void)
{
    CONSOLE_SCREEN_BUFFER_INFO screen;

    if (!GetConsoleScreenBufferInfo(GetStdHandle(STD_ERROR_HANDLE), &screen) ||
        screen.srWindow.Right < screen.srWindow.Left)
        return 80;
    return (unsigned)(screen.srWindow.Right - screen.srWindow.Left + 1);
}
