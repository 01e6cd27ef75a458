/* Runs a command under a terminal of its own, 80x24, and reads what it prints as fast as a program can.
 *
 *     ptyReader COMMAND [ARG…]
 *
 * The command must print READY and wait for an Enter, which is pressed once nothing has come for a tenth of a second
 * after that. Prints the seconds from the Enter to the last byte, and the bytes between. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char buffer[65536 + 1];
static int master;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

/* False when the command is gone before it was ready. */
static int wait_until_ready(void) {
  struct pollfd wait = {.fd = master, .events = POLLIN};
  size_t held = 0;
  int ready = 0;
  for (;;) {
    int some = poll(&wait, 1, ready ? 100 : 30000);
    if (some == 0) return ready;
    ssize_t count = read(master, buffer + held, sizeof buffer - 1 - held);
    if (count <= 0) return 0;
    held += count;
    if (memmem(buffer, held, "READY", 5) != NULL) ready = 1;
    if (held > sizeof buffer / 2) {
      memmove(buffer, buffer + held - 4, 4);
      held = 4;
    }
  }
}

int main(int argc, char **argv) {
  struct winsize size = {.ws_row = 24, .ws_col = 80};
  if (argc < 2) return 2;
  pid_t pid = forkpty(&master, NULL, NULL, &size);
  if (pid < 0) return 1;
  if (pid == 0) {
    execvp(argv[1], argv + 1);
    _exit(127);
  }
  if (!wait_until_ready()) return 3;
  double first = now(), last = first;
  if (write(master, "\r", 1) != 1) return 4;
  long long bytes = 0;
  for (;;) {
    ssize_t count = read(master, buffer, sizeof buffer - 1);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    last = now();
    bytes += count;
  }
  int status;
  waitpid(pid, &status, 0);
  printf("%.6f %lld\n", last - first, bytes);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
