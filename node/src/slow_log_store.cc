#include "slow_log_store.h"

#include <fstream>
#include <thread>

namespace testamur::node {
namespace {

class SlowLogStore final : public consensus::LogStore {
 public:
  SlowLogStore(std::unique_ptr<consensus::LogStore> store, std::filesystem::path file)
      : store_(std::move(store)), file_(std::move(file)) {}

  Result<consensus::Stored> load(const consensus::EntryHash& hash) override { return store_->load(hash); }
  Result<consensus::Salvaged> salvage(const consensus::EntryHash& hash) override { return store_->salvage(hash); }
  Result<void> write(std::span<const consensus::Write> writes,
                     const std::optional<std::vector<std::uint8_t>>& owner_record) override {
    unsigned longer_ms = 0;
    if (std::ifstream stream(file_); stream >> longer_ms) {
      std::this_thread::sleep_for(std::chrono::milliseconds(longer_ms));
    }
    return store_->write(writes, owner_record);
  }

 private:
  const std::unique_ptr<consensus::LogStore> store_;
  const std::filesystem::path file_;
};

}  // namespace

std::unique_ptr<consensus::LogStore> slow_log_store(std::unique_ptr<consensus::LogStore> store,
                                                    std::filesystem::path file) {
  return std::make_unique<SlowLogStore>(std::move(store), std::move(file));
}

}  // namespace testamur::node
