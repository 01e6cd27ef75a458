/* Runs a command under a terminal of its own and reads what it prints, as fast as a program can.
 *
 *     ptyReader COMMAND [ARG…]
 *
 * Prints the seconds from the first byte to the last, and the bytes between. */
#define _GNU_SOURCE
#include <errno.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  static char buffer[65536];
  struct winsize size = {.ws_row = 24, .ws_col = 80};
  int master;
  if (argc < 2) return 2;
  pid_t pid = forkpty(&master, NULL, NULL, &size);
  if (pid < 0) return 1;
  if (pid == 0) {
    execvp(argv[1], argv + 1);
    _exit(127);
  }
  long long bytes = 0;
  double first = 0;
  for (;;) {
    ssize_t count = read(master, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    if (bytes == 0) first = now();
    bytes += count;
  }
  double last = now();
  int status;
  waitpid(pid, &status, 0);
  printf("%.6f %lld\n", last - first, bytes);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
