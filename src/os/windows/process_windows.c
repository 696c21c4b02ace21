/* SPDX-License-Identifier: Apache-2.0 */
/* Stop requests and terminals of the Windows console. Not for stopping a run: that is the reader of the
 * flag. */
#include "os/process.h"
#include "os/windows/system_windows.h"

#include <fcntl.h>
#include <io.h>
#include <shellapi.h>
#include <stdio.h>
#include <stdlib.h>

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

enum capmill_status cm_process_init(int *argc, char ***argv)
{
    int n_wide = 0;
    LPWSTR *wide = CommandLineToArgvW(GetCommandLineW(), &n_wide);
    char **narrow;

    _setmode(_fileno(stdout), _O_BINARY);
    if (wide == NULL)
        return CAPMILL_E_MEMORY;
    narrow = calloc((size_t)n_wide + 1, sizeof(char *));
    for (int i = 0; narrow != NULL && i < n_wide; i++) {
        int n = WideCharToMultiByte(CP_UTF8, 0, wide[i], -1, NULL, 0, NULL, NULL);

        narrow[i] = n > 0 ? malloc((size_t)n) : NULL;
        if (narrow[i] == NULL)
            return CAPMILL_E_MEMORY; /* the process ends for this: nothing to give back */
        WideCharToMultiByte(CP_UTF8, 0, wide[i], -1, narrow[i], n, NULL, NULL);
    }
    LocalFree(wide);
    if (narrow == NULL)
        return CAPMILL_E_MEMORY;
    *argc = n_wide;
    *argv = narrow;
    return CAPMILL_OK;
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
