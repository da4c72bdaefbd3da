#pragma once

#include "daemon/exit_status.hpp"

#include <tl/expected.hpp>

#include <filesystem>

namespace lamplight::daemon {

/// Makes `folder` 0750 when it is missing; its parent must be there (run_dir and state_dir may lie anywhere,
/// but a typing error must not grow a tree). Checks that this process may write into it. `option` names it
/// for people.
tl::expected<void, StartError> ensure_folder(const std::filesystem::path& folder, std::string_view option);

}  // namespace lamplight::daemon
