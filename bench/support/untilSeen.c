/* Runs a command under a terminal of its own and takes the time until it has shown something.
 *
 *     untilSeen COLUMNS ROWS MARK COMMAND [ARG…]
 *
 * Prints the milliseconds from before the fork to the first byte, and to MARK, or to the end when that never comes; and
 * how many bytes came. The command is then killed. */
#define _GNU_SOURCE
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

int main(int argc, char **argv) {
  static char buffer[1 << 16];
  struct winsize size = {0};
  int master;
  if (argc < 5) return 2;
  size.ws_col = atoi(argv[1]);
  size.ws_row = atoi(argv[2]);
  const char *mark = argv[3];
  size_t kept = 0, length = strlen(mark);
  double begin = now(), first = 0;
  pid_t pid = forkpty(&master, NULL, NULL, &size);
  if (pid < 0) return 1;
  if (pid == 0) {
    execvp(argv[4], argv + 4);
    _exit(127);
  }
  long long bytes = 0;
  int seen = 0;
  while (!seen) {
    ssize_t count = read(master, buffer + kept, sizeof buffer - kept);
    if (count <= 0) break;
    if (first == 0) first = now();
    bytes += count;
    seen = memmem(buffer, kept + count, mark, length) != NULL;
    size_t end = kept + count;
    kept = end < length ? end : length;
    memmove(buffer, buffer + end - kept, kept);
  }
  double end = now();
  printf("%.3f %.3f %lld %d\n", first == 0 ? end - begin : first - begin, end - begin, bytes, seen);
  kill(pid, SIGHUP);
  close(master);
  waitpid(pid, NULL, 0);
  return 0;
}
