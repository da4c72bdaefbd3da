#include "daemon/store.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <limits>

namespace lamplight::daemon {

namespace {

constexpr int format_version = 1;

constexpr const char* schema =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS custom_state(device TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS incarnation(eid TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "PRAGMA user_version = 1;"
    "COMMIT;";

StoreError::Kind kind_of(int code) {
    switch (code & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return StoreError::Kind::in_use;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return StoreError::Kind::damaged;
        case SQLITE_FULL:
            return StoreError::Kind::full;
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
        case SQLITE_READONLY:
        case SQLITE_AUTH:
            return StoreError::Kind::denied;
        default:
            return StoreError::Kind::failed;
    }
}

std::string_view what_to_do(StoreError::Kind kind) {
    switch (kind) {
        case StoreError::Kind::in_use:
            return "another daemon of this name is running on it: stop that one, or give this one another "
                   "`name`";
        case StoreError::Kind::damaged:
            return "it is left as it is: restore it from a backup, or move it away to start without custom "
                   "states";
        case StoreError::Kind::newer:
            return "install that version again, or move the file away";
        case StoreError::Kind::full:
            return "make room; what was answered before is safe";
        case StoreError::Kind::denied:
            return "make file and folder readable and writable for the daemon's user";
        case StoreError::Kind::removed:
            return "start the daemon again to have a new one";
        case StoreError::Kind::failed:
            return "look at the disk; what was answered before is safe";
    }
    return {};
}

struct StatementCloser {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, StatementCloser>;

void bind_text(const Statement& statement, int place, std::string_view text) {
    // The text outlives the step that uses it.
    sqlite3_bind_text64(statement.get(), place, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

std::string column_text(const Statement& statement, int column) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement.get(), column));
    if (text == nullptr) return {};
    return {text, static_cast<std::size_t>(sqlite3_column_bytes(statement.get(), column))};
}

/// SQLite's integers are signed; incarnations fit them for as long as seconds since 1970 do.
sqlite3_int64 to_column(std::uint64_t value) {
    return static_cast<sqlite3_int64>(std::min<std::uint64_t>(
        value, static_cast<std::uint64_t>(std::numeric_limits<sqlite3_int64>::max())));
}

}  // namespace

class Store::Impl {
public:
    explicit Impl(std::filesystem::path file) : file_(std::move(file)) {}
    ~Impl() { sqlite3_close_v2(database_); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    tl::expected<void, StoreError> open();
    tl::expected<std::vector<StoreEntry>, StoreError> read() const;
    tl::expected<void, StoreError> write(std::span<const StoreEntry> entries);
    tl::expected<std::uint64_t, StoreError> next_incarnation(const state::Eid& eid, std::uint64_t at_least);

private:
    using Result = tl::expected<void, StoreError>;

    tl::unexpected<StoreError> error(StoreError::Kind kind, std::string_view why) const {
        return tl::unexpected(
            StoreError{kind, fmt::format("{}: {}: {}", file_.string(), why, what_to_do(kind))});
    }
    tl::unexpected<StoreError> error() const {
        return error(kind_of(sqlite3_extended_errcode(database_)), sqlite3_errmsg(database_));
    }
    Result run(const char* sql) {
        if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return error();
        return {};
    }
    tl::expected<Statement, StoreError> prepare(std::string_view sql) const {
        sqlite3_stmt* statement = nullptr;
        if (sqlite3_prepare_v2(database_, sql.data(), static_cast<int>(sql.size()), &statement, nullptr) !=
            SQLITE_OK)
            return error();
        return Statement(statement);
    }
    tl::expected<std::string, StoreError> ask(std::string_view sql) const;
    Result check();
    Result write_all(std::span<const StoreEntry> entries);
    tl::expected<std::uint64_t, StoreError> raise(const state::Eid& eid, std::uint64_t at_least);

    /// Runs `work` in one transaction; a failure inside undoes all of it and is what comes back.
    template <typename Work>
    auto transaction(Work work) -> decltype(work()) {
        if (auto begun = run("BEGIN IMMEDIATE"); !begun) return tl::unexpected(begun.error());
        auto result = work();
        if (result) {
            if (auto committed = run("COMMIT"); committed)
                return result;
            else
                result = tl::unexpected(committed.error());
        }
        if (sqlite3_get_autocommit(database_) == 0) (void)run("ROLLBACK");
        return result;
    }

    std::filesystem::path file_;
    sqlite3* database_ = nullptr;
};

tl::expected<std::string, StoreError> Store::Impl::ask(std::string_view sql) const {
    auto statement = prepare(sql);
    if (!statement) return tl::unexpected(statement.error());
    const int code = sqlite3_step(statement->get());
    if (code == SQLITE_ROW) return column_text(*statement, 0);
    if (code == SQLITE_DONE) return std::string();
    return error();
}

tl::expected<void, StoreError> Store::Impl::open() {
    const int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(file_.c_str(), &database_, flags, nullptr) != SQLITE_OK) return error();
    if (sqlite3_db_readonly(database_, "main") == 1) return error(StoreError::Kind::denied, "is read-only");
    // Exclusive before the first touch of the log: no shared memory file, and a second daemon is told at
    // once.
    return run("PRAGMA locking_mode = EXCLUSIVE")
        .and_then([this] { return check(); })
        .and_then([this] { return run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"); })
        .and_then([this] { return run(schema); });
}

tl::expected<void, StoreError> Store::Impl::check() {
    const auto version = ask("PRAGMA user_version");
    if (!version) return tl::unexpected(version.error());
    if (std::atoi(version->c_str()) > format_version)
        return error(
            StoreError::Kind::newer,
            fmt::format("was written by a later version (format {}, known: {})", *version, format_version));
    const auto sound = ask("PRAGMA quick_check(1)");
    if (!sound) return tl::unexpected(sound.error());
    if (*sound != "ok") return error(StoreError::Kind::damaged, "is damaged");
    return {};
}

tl::expected<std::vector<StoreEntry>, StoreError> Store::Impl::read() const {
    auto statement = prepare("SELECT device, state FROM custom_state ORDER BY device");
    if (!statement) return tl::unexpected(statement.error());
    std::vector<StoreEntry> entries;
    int code = sqlite3_step(statement->get());
    for (; code == SQLITE_ROW; code = sqlite3_step(statement->get())) {
        if (auto state = state::parse_device_state(column_text(*statement, 1)))
            entries.push_back({column_text(*statement, 0), state});
    }
    if (code != SQLITE_DONE) return error();
    return entries;
}

tl::expected<void, StoreError> Store::Impl::write(std::span<const StoreEntry> entries) {
    // SQLite goes on writing into a file that somebody removed; what it says it keeps would be gone at the
    // next start.
    std::error_code ignored;
    if (!std::filesystem::exists(file_, ignored))
        return error(StoreError::Kind::removed,
                     "the file was removed while it was in use, and all that it kept");
    return transaction([&] { return write_all(entries); });
}

tl::expected<void, StoreError> Store::Impl::write_all(std::span<const StoreEntry> entries) {
    auto keep =
        prepare("INSERT INTO custom_state VALUES(?1, ?2) ON CONFLICT(device) DO UPDATE SET state = ?2");
    if (!keep) return tl::unexpected(keep.error());
    auto forget = prepare("DELETE FROM custom_state WHERE device = ?1");
    if (!forget) return tl::unexpected(forget.error());
    for (const StoreEntry& entry : entries) {
        const Statement& statement = entry.state ? *keep : *forget;
        bind_text(statement, 1, entry.device);
        if (entry.state) bind_text(statement, 2, state::config_text(*entry.state));
        const int code = sqlite3_step(statement.get());
        if (code != SQLITE_DONE) return error();
        sqlite3_reset(statement.get());
    }
    return {};
}

tl::expected<std::uint64_t, StoreError> Store::Impl::next_incarnation(const state::Eid& eid,
                                                                      std::uint64_t at_least) {
    return transaction([&] { return raise(eid, at_least); });
}

tl::expected<std::uint64_t, StoreError> Store::Impl::raise(const state::Eid& eid, std::uint64_t at_least) {
    auto statement = prepare(
        "INSERT INTO incarnation VALUES(?1, ?2) "
        "ON CONFLICT(eid) DO UPDATE SET value = max(value + 1, ?2) RETURNING value");
    if (!statement) return tl::unexpected(statement.error());
    const std::string key = state::to_string(eid);
    bind_text(*statement, 1, key);
    sqlite3_bind_int64(statement->get(), 2, to_column(at_least));
    if (sqlite3_step(statement->get()) != SQLITE_ROW) return error();
    const auto value = static_cast<std::uint64_t>(sqlite3_column_int64(statement->get(), 0));
    if (sqlite3_step(statement->get()) != SQLITE_DONE) return error();
    return value;
}

tl::expected<Store, StoreError> Store::open(const std::filesystem::path& file) {
    auto impl = std::make_unique<Impl>(file);
    if (auto opened = impl->open(); !opened) return tl::unexpected(opened.error());
    return Store(std::move(impl));
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;

tl::expected<std::vector<StoreEntry>, StoreError> Store::read() const {
    return impl_->read();
}

tl::expected<void, StoreError> Store::write(std::span<const StoreEntry> entries) {
    return impl_->write(entries);
}

tl::expected<std::uint64_t, StoreError> Store::next_incarnation(const state::Eid& eid,
                                                                std::uint64_t at_least) {
    return impl_->next_incarnation(eid, at_least);
}

}  // namespace lamplight::daemon
