/* Types keys and takes the time until each is shown.
 *
 *     keys COUNT MICROSECONDS pty COMMAND [ARG…]     under a terminal of its own, 80x24
 *     keys COUNT MICROSECONDS host SOCKET TICKET     as a bare client of the session-host
 *
 * COUNT keys, so far apart, once nothing has come for half a second. Each is a letter that no escape sequence ends with.
 * Prints the microseconds of each. Behind it must be a program that prints what it reads. */
#define _GNU_SOURCE
#include <poll.h>
#include <pty.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { INPUT = 0x17, OUTPUT = 0x12, OPEN = 0x10 };
static const char letters[] = "vwyz";

static int fd, frames;
static unsigned char pending[1 << 20];
static size_t held;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static void put(const void *data, size_t length) {
  if (write(fd, data, length) != (ssize_t)length) exit(3);
}

static void frame(unsigned char type, const void *payload, uint32_t length) {
  unsigned char buffer[4096];
  uint32_t size = length + 1;
  for (int i = 0; i < 4; i++) buffer[i] = size >> (24 - 8 * i);
  buffer[4] = type;
  memcpy(buffer + 5, payload, length);
  put(buffer, length + 5);
}

/* Whether `letter` is in what a read brings. */
static int read_for(char letter) {
  ssize_t count = read(fd, pending + held, sizeof pending - held);
  if (count <= 0) exit(4);
  if (!frames) return memchr(pending, letter, count) != NULL;
  int found = 0;
  size_t at = 0;
  held += count;
  for (;;) {
    if (held - at < 5) break;
    uint32_t size = pending[at] << 24 | pending[at + 1] << 16 | pending[at + 2] << 8 | pending[at + 3];
    if (size + 4 > sizeof pending) exit(5);
    if (held - at < size + 4) break;
    if (pending[at + 4] == OUTPUT && memchr(pending + at + 13, letter, size - 9)) found = 1;
    at += size + 4;
  }
  memmove(pending, pending + at, held -= at);
  return found;
}

static void connect_to(const char *path, const char *ticket) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  char open[512];
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) exit(6);
  frames = 1;
  int length = snprintf(open, sizeof open, "{\"ticket\":\"%s\",\"screen\":false,\"client\":\"bench\"}", ticket);
  frame(OPEN, open, length);
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  int count = atoi(argv[1]), gap = atoi(argv[2]);
  pid_t pid = 0;
  if (strcmp(argv[3], "host") == 0) connect_to(argv[4], argv[5]);
  else {
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    struct termios raw;
    pid = forkpty(&fd, NULL, NULL, &size);
    if (pid < 0) return 1;
    if (pid == 0) {
      execvp(argv[4], argv + 4);
      _exit(127);
    }
    if (tcgetattr(fd, &raw) == 0) cfmakeraw(&raw), tcsetattr(fd, TCSANOW, &raw);
  }
  struct pollfd wait = {.fd = fd, .events = POLLIN};
  poll(&wait, 1, 20000);
  while (poll(&wait, 1, 500) > 0) read_for(0);
  for (int i = 0; i < count; i++) {
    char letter = letters[i % 4];
    double begin = now();
    if (frames) frame(INPUT, &letter, 1);
    else put(&letter, 1);
    for (;;) {
      if (poll(&wait, 1, 5000) <= 0) return 7;
      if (read_for(letter)) break;
    }
    printf("%.0f\n", now() - begin);
    usleep(gap + i * 7919 % 1000);
  }
  close(fd);
  if (pid > 0) waitpid(pid, NULL, 0);
  return 0;
}
