/* verify_c PROOF POLICY DOCUMENT_HASH: what a program in C does with the verifier. Prints the verdict. */
#include <stdio.h>
#include <stdlib.h>

#include "testamur/verify.h"

static unsigned char* read_file(const char* path, size_t* size) {
  FILE* file = fopen(path, "rb");
  unsigned char* bytes = malloc(1 << 20);
  if (file == NULL || bytes == NULL) {
    fprintf(stderr, "verify_c: cannot read %s\n", path);
    exit(2);
  }
  *size = fread(bytes, 1, 1 << 20, file);
  fclose(file);
  return bytes;
}

int main(int argc, char** argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: verify_c PROOF POLICY DOCUMENT_HASH\n");
    return 2;
  }
  size_t proof_size = 0;
  size_t policy_size = 0;
  size_t hash_size = 0;
  unsigned char* proof = read_file(argv[1], &proof_size);
  unsigned char* policy = read_file(argv[2], &policy_size);
  unsigned char* hash = read_file(argv[3], &hash_size);
  testamur_question question = {0};
  testamur_finding finding;
  question.document_hash = hash;
  const int32_t verdict = testamur_verify(proof, proof_size, (const char*)policy, policy_size, &question, &finding);
  printf("%d %s %s/%s/%llu: %s\n", (int)verdict, testamur_verdict_name(verdict), finding.institution,
         finding.register_name, (unsigned long long)finding.number, testamur_verdict_sentence(verdict));
  free(proof);
  free(policy);
  free(hash);
  return 0;
}
