// The documents of files and directories, in the order of their names.
#include <filesystem>

#include "class_documents.h"

namespace testamur::tool {
namespace {

namespace fs = std::filesystem;

/// What is at the paths given: their files by name, each with the number of its path's directory.
struct FoundFiles {
  std::vector<std::string> roots;
  RecordSorter files;
  std::uint64_t hidden = 0;

  void add(const std::string& name) {
    Writer record;
    record.raw(as_bytes(name)).u8(0).u32(static_cast<std::uint32_t>(roots.size() - 1));
    files.put(record.bytes());
  }
};

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

/// Files below the directory that was put to the roots last.
Result<void> list_directory(const std::string& path, const std::string& leave_out, FoundFiles& found) {
  std::error_code error;
  fs::recursive_directory_iterator it(path, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    std::error_code ignored;
    const bool is_file = it->is_regular_file(ignored);
    const bool left_out = it->is_directory(ignored) && fs::equivalent(it->path(), leave_out, ignored);
    if (is_hidden(it->path()) || left_out) {
      if (!is_file) it.disable_recursion_pending();
      if (is_file) ++found.hidden;
      continue;
    }
    if (is_file) found.add(it->path().lexically_relative(path).string());
    if (found.files.count() > kMaxDocuments) {
      return Error{ErrorCode::invalid, path + ": expected " + std::to_string(kMaxDocuments) + " documents at most"};
    }
  }
  if (error) return Error{ErrorCode::storage, path + ": reading the directory failed: " + error.message()};
  return {};
}

Result<void> list_files(const std::vector<std::string>& paths, const std::string& leave_out, FoundFiles& found) {
  for (const std::string& path : paths) {
    std::error_code error;
    if (fs::is_directory(path, error)) {
      found.roots.push_back(path);
      if (auto listed = list_directory(path, leave_out, found); !listed) return listed;
    } else {
      found.roots.push_back(fs::path(path).parent_path().string());
      found.add(fs::path(path).filename().string());
    }
  }
  return {};
}

/// Calls with each file, in the order of the names.
Result<void> each_file(FoundFiles& found,
                       const std::function<void(const std::string& name, const std::string& path)>& use) {
  std::string name;
  std::string path;
  for (ByteView record;;) {
    const auto more = found.files.next(record);
    if (!more) return more.error();
    if (!*more) return {};
    const std::string_view next = as_text(record.first(record.size() - 5));
    const std::uint32_t root = Reader(record.last(4), "file").u32("root");
    std::string next_path = below(found.roots[root], next);
    if (next.size() > kMaxNameBytes) return Error{ErrorCode::invalid, next_path + ": expected a shorter name"};
    if (next == name) {
      return Error{ErrorCode::invalid, "expected each name once, since proofs are named after documents; found " +
                                           path + " and " + next_path};
    }
    name = next;
    path = std::move(next_path);
    use(name, path);
  }
}

Result<void> sort_without_doubles(ClassDocuments& documents) {
  std::string pairs;
  std::size_t count = 0;
  const auto sorted = documents.sort([&](const ClassDocument& first, const ClassDocument& again) {
    if (++count <= 5) pairs += "\n  " + first.name + " and " + again.name;
  });
  if (!sorted || count == 0) return sorted;
  return Error{ErrorCode::invalid, "expected each document once in a class; these hold the same (" +
                                       std::to_string(count) + " in all):" + pairs};
}

}  // namespace

Result<Documents> read_documents(const std::vector<std::string>& paths, const std::string& leave_out,
                                 const std::string& scratch, const CountDocument& count) {
  FoundFiles found{{}, RecordSorter(scratch), 0};
  if (auto listed = list_files(paths, leave_out, found); !listed) return listed.error();
  if (found.files.count() == 0) return Error{ErrorCode::not_found, "expected one document at least, found none"};
  Documents out{ClassDocuments(scratch), found.hidden};
  std::optional<Error> first_unread;
  std::size_t unread = 0;
  HashingInOrder hashing(found.files.count(), count,
                         [&](ClassDocument& document, const std::string&, const Error* error) {
                           if (error != nullptr && ++unread == 1) first_unread = *error;
                           if (error == nullptr) out.documents.put(document);
                         });
  std::uint64_t place = 0;
  const auto listed = each_file(found, [&](const std::string& name, const std::string& path) {
    hashing.put({{}, place++, 0, name, {}}, path);
  });
  if (!listed) return listed.error();
  hashing.finish();
  if (first_unread) {
    if (unread > 1) first_unread->message += "; and " + std::to_string(unread - 1) + " more that cannot be read";
    return *first_unread;
  }
  if (auto sorted = sort_without_doubles(out.documents); !sorted) return sorted.error();
  return out;
}

}  // namespace testamur::tool
