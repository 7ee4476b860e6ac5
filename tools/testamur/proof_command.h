// The subcommands of `testamur proof`, in files of their own.
#pragma once

#include "app.h"

namespace testamur::tool {

void add_proof_show(CLI::App& group, Context& context);
void add_proof_extract(CLI::App& group, Context& context);
void add_proof_refresh(CLI::App& group, Context& context);
void add_proof_make(CLI::App& group, Context& context);

}  // namespace testamur::tool
