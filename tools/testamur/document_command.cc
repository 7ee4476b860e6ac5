// `testamur document show`: what documents are read as.
#include <ostream>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "app.h"
#include "files.h"
#include "testamur/credentials/document.h"

namespace testamur::tool {
namespace {

constexpr const char* kExample =
    R"(  testamur document show maria-silva.json letter.pdf

  One line a file: what it is read as, its hash, and its name. What counts of a "json" document is its content, in whatever order
  and with whatever spaces it is written; of a "jws" its text; of everything else, "bytes", every byte.
  "unreadable" says why: such a file can be neither issued nor checked.)";

Result<credentials::Document> read(const std::string& path) {
  const auto file = read_file(path, credentials::kMaxDocumentBytes);
  if (!file) return file.error();
  auto document = credentials::read_document(*file);
  if (!document) return Error{document.error().code, path + ": " + document.error().message};
  return document;
}

int show(const std::vector<std::string>& paths, Context& context) {
  int exit = kGood;
  boost::json::array documents;
  for (const std::string& path : paths) {
    const auto document = read(path);
    boost::json::object shown = {{"path", path}};
    if (document) {
      shown["kind"] = credentials::name(document->kind);
      shown["hash"] = to_hex(document->hash);
      if (!context.json) {
        context.out << credentials::name(document->kind) << "  " << to_hex(document->hash) << "  " << path << "\n";
      }
    } else {
      exit = kFailed;
      const Error& error = document.error();
      shown["error"] = boost::json::object{{"code", name(error.code)}, {"message", error.message}};
      if (!context.json) context.out << "unreadable  " << error.message << "\n";
    }
    documents.push_back(std::move(shown));
  }
  if (context.json) context.print({{"exit", exit}, {"documents", std::move(documents)}});
  return exit;
}

}  // namespace

void add_document(CLI::App& app, Context& context) {
  CLI::App& group = *app.add_subcommand("document", "Look at documents");
  group.require_subcommand(1);
  CLI::App& command =
      add_command(group, context, "show", "Show what documents are read as, and their hashes", kExample);
  const auto paths = std::make_shared<std::vector<std::string>>();
  command.add_option("PATH", *paths, "Documents")->required();
  command.callback([paths, &context] { context.exit = show(*paths, context); });
}

}  // namespace testamur::tool
