// Goal: signed notes and verifier keys are C2SP's, and strict.
#include "testamur/ledger/note.h"

#include <gtest/gtest.h>

#include "world.h"

namespace testamur {
namespace {

// The key, text and signature that the documentation of Go's note package uses as its example
// (golang.org/x/mod/sumdb/note): a note made by another implementation.
constexpr std::string_view kVerifierKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
constexpr std::string_view kNote =
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\xe2\x80\x94 PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

TEST(SignedNote, VerifiesANoteOfAnotherImplementation) {
  const auto key = test::value_of(decode_verifier_key(kVerifierKey));
  EXPECT_EQ(key.name, "PeterNeumann");
  EXPECT_EQ(encode(key), kVerifierKey);
  const auto note = test::value_of(decode_signed_note(kNote));
  ASSERT_EQ(note.signatures.size(), 1u);
  EXPECT_TRUE(verify_note(note.text, note.signatures[0], key));
  EXPECT_EQ(encode(note), kNote);
  EXPECT_FALSE(verify_note(note.text + "x", note.signatures[0], key));
}

TEST(SignedNote, OurKeysSign) {
  const SecretKey secret = test::key_named("note");
  const VerifierKey key{"node.example", NoteKeyType::ed25519, secret.public_key()};
  const SignatureLine line = sign_note("text\n", key.name, secret);
  EXPECT_TRUE(verify_note("text\n", line, key));
  VerifierKey other = key;
  other.name = "other.example";
  EXPECT_FALSE(verify_note("text\n", line, other));
  other = key;
  other.type = NoteKeyType::cosignature;
  EXPECT_FALSE(verify_note("text\n", line, other));
  SignatureLine bent = line;
  bent.signature[0] ^= 1;
  EXPECT_FALSE(verify_note("text\n", bent, key));
  bent = line;
  bent.signature.push_back(0);
  EXPECT_FALSE(verify_note("text\n", bent, key));
}

TEST(SignedNote, TextMayHoldEmptyLines) {
  const std::string bytes = "a\n\nb\n\n" + std::string(kNote.substr(kNote.rfind("\n\n") + 2));
  const auto note = test::value_of(decode_signed_note(bytes));
  EXPECT_EQ(note.text, "a\n\nb\n");
  EXPECT_EQ(encode(note), bytes);
}

TEST(SignedNote, RefusesWhatIsNone) {
  const std::string line(kNote.substr(kNote.rfind("\n\n") + 2));
  for (const std::string& bad :
       {std::string(), std::string("text\n"), std::string("text\n\n"), "text\n" + line, "text\n\n" + line + "more\n",
        "text\n\n" + line.substr(0, line.size() - 1), "te\rxt\n\n" + line, "te\xffxt\n\n" + line,
        "text\n\n- " + line.substr(4), std::string("text\n\n\xe2\x80\x94 name\n"),
        std::string("text\n\n\xe2\x80\x94 name AAAA\n"), std::string("text\n\n\xe2\x80\x94 na+me AAAAAAA=\n"),
        std::string("text\n\n\xe2\x80\x94  AAAAAAA=\n"), std::string(kMaxNoteBytes, 'a')}) {
    EXPECT_FALSE(decode_signed_note(bad)) << bad.substr(0, 80);
  }
}

TEST(VerifierKey, RefusesWhatIsNone) {
  const std::string good(kVerifierKey);
  const auto plus = good.find('+');
  for (const std::string& bad :
       {std::string(), std::string("name"), std::string("name+c74f20a3"), "X" + good, good.substr(0, good.size() - 1),
        good + "=", good + "\n", good.substr(0, plus) + "+C74F20A3" + good.substr(plus + 9),
        good.substr(0, plus) + "+c74f20a4" + good.substr(plus + 9), " " + good, good.substr(plus)}) {
    EXPECT_FALSE(decode_verifier_key(bad)) << bad;
  }
}

TEST(VerifierKey, RefusesOtherTypes) {
  Bytes typed(33, 7);
  typed[0] = 2;
  const Hash id = sha256({as_bytes("n\n"), typed});
  EXPECT_FALSE(decode_verifier_key("n+" + to_hex(ByteView(id).first(4)) + "+" + to_base64(typed)));
}

}  // namespace
}  // namespace testamur
