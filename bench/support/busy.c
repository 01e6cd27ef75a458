/* A program that always has something to show: redraws a line of a full screen every MILLISECONDS.
 *
 *     busy MILLISECONDS */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int pause = argc > 1 ? atoi(argv[1]) : 20;
  for (unsigned long n = 0;; n++) {
    printf("\033[%lu;1H\033[3%lum%lu\033[0m kept busy by line after line of output \033[K", n % 23 + 1, n % 8, n);
    fflush(stdout);
    usleep(pause * 1000);
  }
}
