// Goal: a frame comes out of its parts as it was, and whatever is not the part that is next is refused and changes nothing.
// Method: good parts, with wrong ones among them: each field of the next one made wrong at random.
#include "parts.h"

#include <gmock/gmock.h>

#include <random>

namespace testamur::consensus {
namespace {

using testing::HasSubstr;

constexpr std::size_t kMost = 5 * kPartBytes + 7;

std::string text_of(std::size_t length, std::mt19937_64& random) {
  std::string text(length, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts) all += part;
  return all;
}

/// Why the part is not taken.
std::string refusal(Assembly& assembly, std::uint64_t total, std::uint64_t offset, std::string bytes) {
  const auto taken = assembly.take(total, offset, std::move(bytes));
  if (taken) return "taken";
  EXPECT_EQ(taken.error().code, ErrorCode::malformed);
  return taken.error().message;
}

TEST(Parts, AFrameComesOutAsItWasWhateverIsSaidBetween) {
  std::mt19937_64 random(1);
  Assembly assembly(kMost);
  const std::vector<std::size_t> lengths{kPartBytes + 1, 2 * kPartBytes - 1, 2 * kPartBytes, 2 * kPartBytes + 1, kMost};
  const std::vector<std::uint64_t> numbers{0,     1,         kPartBytes - 1,   kPartBytes, kPartBytes + 1,
                                           kMost, kMost + 1, ~std::uint64_t{0}};
  for (const std::size_t length : lengths) {
    EXPECT_FALSE(assembly.is_under_way());
    const std::string frame = text_of(length, random);
    for (std::size_t at = 0; at < length; at += kPartBytes) {
      const std::string next = frame.substr(at, kPartBytes);
      for (int wrong = 0; wrong < 200; ++wrong) {
        std::uint64_t total = random() % 2 == 0 ? length : numbers[random() % numbers.size()];
        const std::uint64_t offset = random() % 2 == 0 ? at : numbers[random() % numbers.size()];
        const std::uint64_t bytes = random() % 2 == 0 ? next.size() : random() % (2 * kPartBytes);
        // The first one says how long the frame is; of another length it may be right as well.
        if (at == 0) total = total == length ? length : numbers[random() % 2 == 0 ? 0 : 6];
        if (total == length && offset == at && bytes == next.size()) continue;
        EXPECT_NE(refusal(assembly, total, offset, std::string(bytes, 'x')), "taken")
            << length << ": " << total << " " << offset << " " << bytes;
        ASSERT_EQ(assembly.is_under_way(), at > 0);
      }
      ASSERT_EQ(refusal(assembly, length, at, next), "taken");
    }
    ASSERT_FALSE(assembly.is_under_way());
    EXPECT_TRUE(joined(assembly.finish()) == frame) << length;
  }
}

TEST(Parts, WhatIsWrongIsNamed) {
  Assembly assembly(kMost);
  const std::string full(kPartBytes, 'x');
  EXPECT_THAT(refusal(assembly, kMost + 1, 0, full), HasSubstr("are 655368, expected at most 655367"));
  EXPECT_THAT(refusal(assembly, kPartBytes, 0, full), HasSubstr("are 131072, expected more than 131072"));
  EXPECT_THAT(refusal(assembly, kMost, 1, full), HasSubstr("begins at byte 1, expected 0"));
  EXPECT_THAT(refusal(assembly, kMost, 0, ""), HasSubstr("the bytes of a part are 0, expected 131072"));
  EXPECT_EQ(refusal(assembly, kPartBytes + 2, 0, full), "taken");
  EXPECT_THAT(refusal(assembly, kPartBytes + 1, kPartBytes, "x"), HasSubstr("131073, expected of the one begun"));
  EXPECT_THAT(refusal(assembly, kPartBytes + 2, 0, full), HasSubstr("begins at byte 0, expected 131072"));
  EXPECT_THAT(refusal(assembly, kPartBytes + 2, kPartBytes, "x"), HasSubstr("the bytes of a part are 1, expected 2"));
  EXPECT_EQ(refusal(assembly, kPartBytes + 2, kPartBytes, "xy"), "taken");
  EXPECT_TRUE(joined(assembly.finish()) == full + "xy");
}

TEST(Parts, WhatHasNotComeTakesNoMemory) {
  // As long as it says it is, it would not fit into any.
  constexpr std::uint64_t kEndless = std::uint64_t{1} << 60;
  Assembly assembly(kEndless);
  EXPECT_EQ(refusal(assembly, kEndless, 0, std::string(kPartBytes, 'x')), "taken");
  EXPECT_TRUE(assembly.is_under_way());
}

}  // namespace
}  // namespace testamur::consensus
