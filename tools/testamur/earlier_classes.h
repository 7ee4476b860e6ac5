// Documents that a class in the same proofs directory has issued before.
#pragma once

#include "class_documents.h"
#include "failure.h"
#include "pending.h"

namespace testamur::tool {

/// Nothing when there are none; else the first of them, by name, with the entries that they are.
std::optional<Failure> check_not_issued_earlier(const Pending& pending, ClassDocuments& documents);

}  // namespace testamur::tool
