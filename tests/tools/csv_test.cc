// Goal: a class comes in as the CSV that spreadsheets write, everything that is wrong with it is told by row and column before
// anything is sent, and what came of it goes out as CSV.
// Method: the parser by itself; then the command against a service over a real ledger.
#include "csv.h"

#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <fstream>

#include "tool_world.h"

namespace testamur::tool {
namespace {

using testing::HasSubstr;
using testing::Not;

using Rows = std::vector<std::vector<std::string>>;

/// All rows, or what is wrong.
Result<Rows> read_all(std::string_view text) {
  CsvReader reader(text);
  Rows rows;
  for (std::vector<std::string> cells;;) {
    const auto more = reader.next(cells);
    if (!more) return more.error();
    if (!*more) return rows;
    rows.push_back(cells);
  }
}

TEST(Csv, RowsAreReadAsSpreadsheetsWriteThem) {
  const Rows expected = {{"file", "note"}, {"a.pdf", ""}, {"b;c.pdf", "two\r\nlines, \"quoted\""}, {"", "ü"}};
  const std::string text = "file,note\r\na.pdf,\r\n\"b;c.pdf\",\"two\r\nlines, \"\"quoted\"\"\"\r\n,\xc3\xbc\r\n";
  EXPECT_EQ(test::value_of(read_all(text)), expected);
  EXPECT_EQ(test::value_of(read_all("\xEF\xBB\xBF" + text + "\r\n\n")), expected)
      << "a mark, and blank lines at the end";
  EXPECT_EQ(test::value_of(read_all("a;b;\"c,d,e\"\n1;2;3")), (Rows{{"a", "b", "c,d,e"}, {"1", "2", "3"}}));
  EXPECT_EQ(test::value_of(read_all("one\ntwo")), (Rows{{"one"}, {"two"}}));
  EXPECT_EQ(test::value_of(read_all("")), Rows{});
}

TEST(Csv, WhatIsNotCsvIsRefusedByRowAndColumn) {
  const auto wrong = [](std::string_view text) {
    const auto read = read_all(text);
    return read ? "read" : read.error().message;
  };
  EXPECT_THAT(wrong("a,b\n1,\"2"), HasSubstr("row 2, column 2: expected a quote that ends the cell"));
  EXPECT_THAT(wrong("a,b\n\"1\"x,2"), HasSubstr("row 2, column 1"));
  EXPECT_THAT(wrong("a,b\nx\"1\",2"), HasSubstr("row 2, column 1: expected quotes around the whole cell"));
  EXPECT_THAT(wrong("a,b\n1,\xff\n"), HasSubstr("row 2, column 2: expected UTF-8"));
  EXPECT_THAT(wrong("a,b\r1,2"), HasSubstr("row 1, column 2: expected lines that end with LF or CR LF"));
  EXPECT_THAT(wrong(std::string_view("\xff\xfe"
                                     "a\0,\0b\0\n\0",
                                     10)),
              HasSubstr("row 1, column 1: expected UTF-8 text"));
  EXPECT_THAT(wrong(std::string_view("a,b\n1,\0", 7)), HasSubstr("row 2, column 2"));
  EXPECT_THAT(wrong(std::string_view("a,b\n1,\"\0\"", 9)), HasSubstr("row 2, column 2"));
}

class CsvClassTest : public testing::Test {
 protected:
  /// Documents class/0 to class/N-1, and a CSV beside them.
  std::string csv(const std::string& text) { return world_.write("class/class.csv", text); }
  test::Ran issue(std::vector<std::string> more) {
    more.insert(more.begin(), {"--csv", world_.path("class/class.csv")});
    return world_.issue("r1", "proofs", more);
  }
  std::uint64_t issued() { return world_.ledger().record(0, "r1").issued; }
  std::string read(const std::string& name) {
    std::ifstream stream(world_.path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }
  void SetUp() override { world_.make_documents("class", 5); }

  test::ToolWorld world_;
};

TEST_F(CsvClassTest, EveryRowIsIssuedAndTheResultSaysWhere) {
  csv("Matrikel;Name;Dokument\r\nm-1;\"Silva, Ana\";document-3\r\nm-2;B;document-0\r\n\"m;3\";C;document-1\r\n");
  const std::vector<std::string> options = {"--map",    "file=Dokument",           "--map",       "reference=Matrikel",
                                            "--result", world_.path("result.csv"), "--keep-order"};
  const auto ran = issue(options);
  ASSERT_EQ(ran.exit, kGood) << ran.err;
  const std::string in = ",university-0.example/r1";
  const std::string expected = "reference,file,number,proof,register\r\nm-1,document-3,0," +
                               world_.path("proofs/document-3.proof") + in + "\r\nm-2,document-0,1," +
                               world_.path("proofs/document-0.proof") + in + "\r\n\"m;3\",document-1,2," +
                               world_.path("proofs/document-1.proof") + in + "\r\n";
  EXPECT_EQ(read("result.csv"), expected);
  EXPECT_EQ(issued(), 3u);
  std::filesystem::remove(world_.path("result.csv"));
  const auto again = issue(options);
  EXPECT_THAT(again.out, HasSubstr("by an earlier run"));
  EXPECT_EQ(read("result.csv"), expected) << "also by the run that finds the class done";
  EXPECT_EQ(issued(), 3u);
}

TEST_F(CsvClassTest, NumbersInTheResultAreTheProofsOwn) {
  csv("file\ndocument-0\ndocument-1\ndocument-2\ndocument-3\ndocument-4\n");
  ASSERT_EQ(issue({"--result", world_.path("result.csv")}).exit, kGood);
  for (int i = 0; i < 5; ++i) {
    const std::string name = "document-" + std::to_string(i);
    const auto shown = world_.run({"proof", "show", "--json", world_.path("proofs/" + name + ".proof")});
    const auto number = boost::json::parse(shown.out).at("number").as_int64();
    EXPECT_THAT(read("result.csv"), HasSubstr("," + name + "," + std::to_string(number) + ","));
  }
}

TEST_F(CsvClassTest, ReferencesAloneFindTheirFiles) {
  world_.make_documents("files", 0);
  world_.write("files/1.pdf", "one");
  world_.write("files/10.pdf", "ten");
  world_.write("files/2.a.pdf", "two");
  csv("reference,mark\n10,a\n1,b\n2,c\n");
  const auto ran = issue({"--result", world_.path("result.csv"), world_.path("files")});
  ASSERT_EQ(ran.exit, kGood) << ran.err;
  EXPECT_THAT(read("result.csv"), testing::AllOf(HasSubstr("\r\n10,10.pdf,"), HasSubstr("\r\n2,2.a.pdf,")));
  EXPECT_EQ(issued(), 3u);
}

TEST_F(CsvClassTest, AllThatIsWrongIsToldAtOnceAndNothingIsSent) {
  world_.write("class/copy", "class document 1");
  std::filesystem::create_directories(world_.path("class/files"));
  world_.write("class/files/x.pdf", "x");
  world_.write("class/files/x.doc", "y");
  csv("reference,file\n"
      "a,document-1\n"
      "b,missing\n"
      "a,document-2\n"
      "c,copy\n"
      ",document-3\n"
      "d\n"
      "e,../outside\n"
      "x,\n"
      "y,\n"
      "f,files\n");
  const auto ran = issue({world_.path("class/files")});
  EXPECT_EQ(ran.exit, kFailed);
  EXPECT_THAT(ran.err, HasSubstr("9 problems; nothing was sent"));
  for (const char* line :
       {"row 3, column 2 \"file\": expected a file",
        "row 4, column 1 \"reference\": expected each reference once, found \"a\" in row 2",
        "row 5, column 2 \"file\": expected each document once, found that of row 2 again: document-1 and copy",
        "row 6, column 1 \"reference\": expected a reference, found an empty cell",
        "row 7: expected 2 cells as in the first row, found 1",
        "row 8, column 2 \"file\": expected a path below the CSV's directory",
        "row 9, column 1 \"reference\": expected one file x.*, found 2: x.doc, x.pdf",
        "row 10, column 1 \"reference\": expected a file y.*", "row 11, column 2 \"file\""}) {
    EXPECT_THAT(ran.err, HasSubstr(line));
  }
  EXPECT_TRUE(world_.service().handed_in().empty());
  EXPECT_THAT(issue({}).err, HasSubstr("row 9, column 2 \"file\": expected a file, found an empty cell"));
}

TEST_F(CsvClassTest, ManyProblemsAreCounted) {
  std::string text = "file\n";
  for (int i = 0; i < 2500; ++i) text += "none-" + std::to_string(i) + "\n";
  csv(text);
  const auto ran = issue({});
  EXPECT_THAT(ran.err, testing::AllOf(HasSubstr("2500 problems"), HasSubstr("row 2,"), HasSubstr("row 21,"),
                                      Not(HasSubstr("row 22,")), HasSubstr("and 2480 more")));
}

TEST_F(CsvClassTest, ColumnsThatAreNotThereAreNamed) {
  csv("Matrikel,Dokument\n1,document-0\n");
  EXPECT_THAT(issue({}).err, HasSubstr("found \"Matrikel\", \"Dokument\""));
  EXPECT_THAT(issue({"--map", "file=File"}).err, HasSubstr("expected a column named \"File\""));
  EXPECT_EQ(issue({"--map", "name=Matrikel"}).exit, kUsage);
  EXPECT_EQ(issue({"--map", "reference=Matrikel"}).exit, kUsage) << "no file, and nowhere to look for one";
  csv("file,file\n1,2\n");
  EXPECT_THAT(issue({}).err, HasSubstr("expected one column named \"file\""));
  csv("file\n");
  EXPECT_THAT(issue({}).err, HasSubstr("expected one row at least"));
}

TEST_F(CsvClassTest, ADryRunChecksAndSendsNothing) {
  csv("file\ndocument-0\ndocument-1\n");
  const auto checked = issue({"--dry-run", "--json"});
  ASSERT_EQ(checked.exit, kGood) << checked.out;
  const auto json = boost::json::parse(checked.out);
  EXPECT_EQ(json.at("checked").as_int64(), 2);
  EXPECT_EQ(json.at("class").as_string(), "new");
  EXPECT_FALSE(std::filesystem::exists(world_.path("proofs"))) << "not even a directory";
  EXPECT_TRUE(world_.service().handed_in().empty());
  const std::vector<std::string> offline = {
      "issue",    "--dry-run",           "--register", "university-0.example/r1",     "--policy", world_.path("policy"),
      "--proofs", world_.path("proofs"), "--csv",      world_.path("class/class.csv")};
  EXPECT_EQ(world_.run(offline).exit, kGood) << "without a node, nobody is asked";
  auto with_one_key = offline;
  with_one_key.insert(with_one_key.end(), {"--node", world_.service().address(), "--key", world_.key_file("a")});
  EXPECT_THAT(world_.run(with_one_key).err, HasSubstr("asks for 2 signatures"));
  auto no_register = with_one_key;
  no_register[3] = "university-0.example/none";
  EXPECT_EQ(world_.run(no_register).exit, kFailed);
  ASSERT_EQ(issue({}).exit, kGood);
  EXPECT_THAT(issue({"--dry-run"}).out, HasSubstr("an earlier run issued this class"));
}

}  // namespace
}  // namespace testamur::tool
