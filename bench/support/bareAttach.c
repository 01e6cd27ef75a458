/* A client of the session-host that does no more than it must: prints a session's screen and its output.
 *
 *     bareAttach SOCKET TICKET HISTORY_LINES */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { OPEN = 0x10, OUTPUT = 0x12, SCREEN = 0x1b };
static unsigned char buffer[5 << 20];

static void print(const unsigned char *data, size_t length) {
  while (length > 0) {
    ssize_t written = write(1, data, length);
    if (written <= 0) _exit(1);
    data += written;
    length -= written;
  }
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) return 3;
  char *open = (char *)buffer + 5;
  uint32_t size = 1 + snprintf(open, 1024, "{\"ticket\":\"%s\",\"screen\":true,\"historyLines\":%s,\"take\":false}", argv[2], argv[3]);
  for (int i = 0; i < 4; i++) buffer[i] = size >> (24 - 8 * i);
  buffer[4] = OPEN;
  if (write(fd, buffer, size + 4) < 0) return 4;
  size_t held = 0;
  for (;;) {
    ssize_t count = read(fd, buffer + held, sizeof buffer - held);
    if (count <= 0) return 0;
    held += count;
    size_t at = 0;
    while (held - at >= 5) {
      uint32_t size = buffer[at] << 24 | buffer[at + 1] << 16 | buffer[at + 2] << 8 | buffer[at + 3];
      if (held - at < size + 4) break;
      if (buffer[at + 4] == OUTPUT) print(buffer + at + 13, size - 9);
      if (buffer[at + 4] == SCREEN) print(buffer + at + 17, size - 13);
      at += size + 4;
    }
    memmove(buffer, buffer + at, held -= at);
  }
}
