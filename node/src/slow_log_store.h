// A log store whose disk can be made slow while it runs, for tests: as long as a file is there, each write takes as many milliseconds
// longer as the file says.
#pragma once

#include <filesystem>
#include <memory>

#include "testamur/consensus/log_store.h"

namespace testamur::node {

std::unique_ptr<consensus::LogStore> slow_log_store(std::unique_ptr<consensus::LogStore> store,
                                                    std::filesystem::path file);

}  // namespace testamur::node
