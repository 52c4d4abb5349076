/* Fuzz target: encrypted members of ZIP archives, whose password is known. WinZip AES is slow by design: short runs. */
#define PASSWORD "secret"
#include "zip.c"
