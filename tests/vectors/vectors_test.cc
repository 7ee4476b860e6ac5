// Goal: a golden file that differs from what the ledger does, in any field, is refused with that field's name.
// Method: one hex digit (or one character, or one count) is changed in each kind of field of a golden file.
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "golden_check.h"
#include "golden_write.h"

namespace testamur::vectors {
namespace {

boost::json::value golden() {
  static const boost::json::value file = read_json(TESTAMUR_DATA "/golden-7.json");
  return file;
}

std::string complaint(const boost::json::value& json) {
  try {
    check_golden(json);
    return "";
  } catch (const Mismatch& mismatch) {
    return mismatch.what();
  }
}

/// Changes one digit at a place in a text: hex stays hex, and a decimal or base64 digit stays one too.
void flip(boost::json::value& text, std::size_t at) {
  char& digit = text.as_string()[at];
  digit = digit == '1' ? '2' : '1';
}

struct Case {
  std::string name;
  std::function<void(boost::json::value&)> change;
  std::string complaint;  // how the runner's words begin
};

boost::json::value& block(boost::json::value& json, std::size_t i) { return json.at("blocks").at(i); }

/// The index of a block, from 0, with an accepted first submission; `listed`: of a listed class.
std::size_t accepted_block(bool listed) {
  const boost::json::value file = golden();
  const auto& blocks = file.at("blocks").as_array();
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto& submissions = blocks[i].at("submissions").as_array();
    if (!submissions.empty() && submissions[0].at("result").as_string() == "ok" &&
        submissions[0].at("listed").as_array().empty() != listed) {
      return i;
    }
  }
  throw std::runtime_error("the golden file has no such block");
}

std::vector<Case> cases() {
  const std::size_t ok = accepted_block(false);
  const std::size_t listed = accepted_block(true);
  const auto place = [](std::size_t i, const std::string& field) {
    return "block " + std::to_string(i + 1) + "." + field;
  };
  const auto in_expect = [&](const std::string& field, std::size_t at) {
    return Case{"expect." + field, [=](auto& json) { flip(block(json, ok).at("expect").at(field), at); },
                place(ok, "expect." + field)};
  };
  const auto in_list = [&](const std::string& field, std::size_t at) {
    return Case{"expect." + field + "[1]", [=](auto& json) { flip(block(json, ok).at("expect").at(field).at(1), at); },
                place(ok, "expect." + field + "[1]")};
  };
  return {
      {"genesis", [](auto& json) { flip(json.at("genesis"), 100); }, "genesis"},
      {"genesis time", [](auto& json) { flip(json.at("genesis"), 15); }, "created"},
      {"ledger_id", [](auto& json) { flip(json.at("ledger_id"), 63); }, "ledger_id"},
      {"created", [](auto& json) { json.at("created") = 7; }, "created"},
      {"genesis_expect.root", [](auto& json) { flip(json.at("genesis_expect").at("root"), 3); }, "genesis_expect.root"},
      {"leaf", [](auto& json) { flip(json.at("leaves").at(2), 30); }, "leaves[2]"},
      {"last leaf gone", [](auto& json) { json.at("leaves").as_array().pop_back(); }, "leaves"},
      {"time", [=](auto& json) { block(json, ok).at("time") = block(json, ok).at("time").as_int64() + 1; },
       place(ok, "expect.")},
      {"time does not rise", [=](auto& json) { block(json, ok).at("time") = 5; }, place(ok, "time")},
      {"statement", [=](auto& json) { flip(block(json, ok).at("submissions").at(0).at("signed"), 100); },
       place(ok, "submissions[0].result")},
      {"signature",
       [=](auto& json) {
         auto& text = block(json, ok).at("submissions").at(0).at("signed");
         flip(text, text.as_string().size() - 3);
       },
       place(ok, "submissions[0].result")},
      {"listed", [=](auto& json) { flip(block(json, listed).at("submissions").at(0).at("listed").at(0), 5); },
       place(listed, "submissions[0].result")},
      {"result", [=](auto& json) { block(json, ok).at("submissions").at(0).at("result") = "malformed"; },
       place(ok, "submissions[0].result")},
      {"height", [=](auto& json) { block(json, ok).at("expect").at("height") = 99; }, place(ok, "expect.height")},
      {"size", [=](auto& json) { block(json, ok).at("expect").at("size") = 99; }, place(ok, "expect.size")},
      in_expect("root", 0),
      in_expect("block_record", 249),
      in_expect("registry_root", 20),
      in_expect("checkpoint", 10),
      in_list("registry", 60),
      in_list("cosignatures", 60),
      in_list("vkeys", 40),
      {"record gone", [=](auto& json) { block(json, ok).at("expect").at("registry").as_array().pop_back(); },
       place(ok, "expect.registry")},
      {"cosignature gone", [=](auto& json) { block(json, ok).at("expect").at("cosignatures").as_array().pop_back(); },
       place(ok, "expect.cosignatures")},
      {"a field gone", [=](auto& json) { block(json, ok).at("expect").as_object().erase("root"); },
       place(ok, "expect")},
  };
}

TEST(GoldenLedger, AcceptsTheFile) { EXPECT_EQ(complaint(golden()), ""); }

TEST(GoldenLedger, NamesTheFirstDifferenceByBlockAndField) {
  for (const Case& c : cases()) {
    boost::json::value json = golden();
    c.change(json);
    EXPECT_EQ(complaint(json).substr(0, c.complaint.size()), c.complaint) << c.name << ": " << complaint(json);
  }
}

TEST(GoldenLedger, OurFilesAreWhatTheSeedGives) {
  EXPECT_EQ(boost::json::value(write_golden(7, 60)), golden());
  EXPECT_EQ(boost::json::value(write_trees(7)), read_json(TESTAMUR_DATA "/trees-7.json"));
}

TEST(GoldenLedger, OurFileHasEveryCommonCode) {
  std::set<std::string> found;
  const boost::json::value file = golden();
  for (const auto& b : file.at("blocks").as_array()) {
    for (const auto& submission : b.at("submissions").as_array()) found.emplace(submission.at("result").as_string());
  }
  for (const std::string_view code :
       {"ok", "malformed", "signed_at_out_of_range", "bad_signature", "not_enough_signatures", "wrong_first_number",
        "wrong_next_event", "body_mismatch", "no_such_entry", "effective_in_future", "bad_replacement",
        "forbidden_transition"}) {
    EXPECT_TRUE(found.contains(std::string(code))) << code;
  }
}

}  // namespace
}  // namespace testamur::vectors
