#include "c2s/sasl.hpp"

#include <gsasl.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string>

namespace lamplight::c2s {

namespace {

using Refusal = Sasl::Refusal;

// --- what a SCRAM server says first ---

struct ScramFirst {
    std::string_view nonce;
    std::string_view iterations;
};

bool is_plain_text(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
}

/// The next of the values parted by commas, which has to begin with `name`; taken from `rest`.
std::optional<std::string_view> take_value(std::string_view& rest, std::string_view name) {
    if (!rest.starts_with(name)) return std::nullopt;
    const std::string_view value = rest.substr(name.size(), rest.find(',') - name.size());
    rest.remove_prefix(std::min(rest.size(), name.size() + value.size() + 1));
    return value;
}

/// `r=…,s=…,i=…` (RFC 5802 section 7). What has to be understood (m=) and what comes behind is libgsasl's.
std::optional<ScramFirst> read_first(std::string_view message) {
    if (!is_plain_text(message)) return std::nullopt;
    const auto nonce = take_value(message, "r=");
    if (!nonce) return std::nullopt;
    const auto salt = take_value(message, "s=");
    if (!salt || salt->empty()) return std::nullopt;
    const auto iterations = take_value(message, "i=");
    if (!iterations) return std::nullopt;
    return ScramFirst{*nonce, *iterations};
}

tl::expected<void, Refusal> check_iterations(std::string_view digits) {
    const bool is_number = !digits.empty() && digits.front() != '0' &&
                           std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
    if (!is_number) return tl::unexpected(Refusal::malformed);
    unsigned count = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    if (read.ec != std::errc() || count < least_iterations || count > most_iterations)
        return tl::unexpected(Refusal::too_many_iterations);
    return {};
}

/// Before anything is hashed: the server goes on with our nonce, and the work it asks for is within bounds.
tl::expected<void, Refusal> check_first(std::string_view message, std::string_view our_nonce) {
    const auto first = read_first(message);
    if (!first) return tl::unexpected(Refusal::malformed);
    const bool is_ours =
        first->nonce.starts_with(our_nonce) && first->nonce.size() > our_nonce.size() && !our_nonce.empty();
    if (!is_ours) return tl::unexpected(Refusal::malformed);
    return check_iterations(first->iterations);
}

/// Of `n,,n=user,r=nonce`; a comma of the user's name is written otherwise.
std::string nonce_of(std::string_view our_first) {
    const auto at = our_first.rfind(",r=");
    return at == std::string_view::npos ? std::string() : std::string(our_first.substr(at + 3));
}

// --- the exchange ---

using Library = std::shared_ptr<Gsasl>;
struct Finish {
    void operator()(Gsasl_session* session) const { gsasl_finish(session); }
};
using Session = std::unique_ptr<Gsasl_session, Finish>;

class GsaslExchange final : public Sasl {
public:
    GsaslExchange(Library library, Session session, std::string_view mechanism)
        : library_(std::move(library)), session_(std::move(session)), mechanism_(mechanism) {}

    std::string_view mechanism() const override { return mechanism_; }
    tl::expected<std::string, Refusal> start() override;
    tl::expected<std::string, Refusal> step(std::string_view challenge) override;
    tl::expected<void, Refusal> succeeded(std::string_view data) override;

private:
    bool is_scram() const { return mechanism_.starts_with("SCRAM-"); }
    /// Whether the server has to prove that it knows the password, too.
    bool is_mutual() const { return is_scram() || mechanism_ == "DIGEST-MD5"; }
    tl::expected<std::string, Refusal> ask_library(std::string_view challenge);
    Refusal refusal_of(int code) const;

    Library library_;
    Session session_;
    std::string mechanism_;
    std::string nonce_;
    unsigned challenges_ = 0;
    bool is_complete_ = false;
};

Refusal GsaslExchange::refusal_of(int code) const {
    if (is_mutual() && challenges_ > 1) return Refusal::server_not_verified;
    const bool is_malformed = code == GSASL_MECHANISM_PARSE_ERROR || code == GSASL_BASE64_ERROR ||
                              code == GSASL_AUTHENTICATION_ERROR;
    return is_malformed ? Refusal::malformed : Refusal::library;
}

tl::expected<std::string, Refusal> GsaslExchange::ask_library(std::string_view challenge) {
    char* answer = nullptr;
    std::size_t length = 0;
    const int code = gsasl_step(session_.get(), challenge.data(), challenge.size(), &answer, &length);
    if (code != GSASL_OK && code != GSASL_NEEDS_MORE) return tl::unexpected(refusal_of(code));
    std::string out = length > 0 ? std::string(answer, length) : std::string();
    gsasl_free(answer);
    is_complete_ = code == GSASL_OK;
    return out;
}

tl::expected<std::string, Refusal> GsaslExchange::start() {
    auto first = ask_library({});
    if (first && is_scram()) nonce_ = nonce_of(*first);
    return first;
}

tl::expected<std::string, Refusal> GsaslExchange::step(std::string_view challenge) {
    if (is_complete_) return tl::unexpected(Refusal::malformed);
    ++challenges_;
    if (is_scram() && challenges_ == 1) {
        if (const auto checked = check_first(challenge, nonce_); !checked)
            return tl::unexpected(checked.error());
    }
    return ask_library(challenge);
}

tl::expected<void, Refusal> GsaslExchange::succeeded(std::string_view data) {
    if (is_complete_ && data.empty()) return {};
    if (is_complete_ || !is_mutual()) return tl::unexpected(Refusal::malformed);
    if (challenges_ == 0 || data.empty()) return tl::unexpected(Refusal::server_not_verified);
    if (const auto last = step(data); !last) return tl::unexpected(last.error());
    if (!is_complete_) return tl::unexpected(Refusal::server_not_verified);
    return {};
}

// --- making one ---

int answer_nothing(Gsasl* /*library*/, Gsasl_session* /*session*/, Gsasl_property /*property*/) {
    return GSASL_NO_CALLBACK;
}

Library start_library() {
    Gsasl* library = nullptr;
    if (gsasl_init(&library) != GSASL_OK) return nullptr;
    gsasl_callback_set(library, answer_nothing);
    return {library, gsasl_done};
}

bool set(Gsasl_session* session, Gsasl_property property, const std::string& value) {
    return gsasl_property_set_raw(session, property, value.data(), value.size()) == GSASL_OK;
}

bool set_up(Gsasl_session* session, const Account& account) {
    return set(session, GSASL_AUTHID, account.jid.local) && set(session, GSASL_PASSWORD, account.secret) &&
           set(session, GSASL_SERVICE, "xmpp") && set(session, GSASL_HOSTNAME, account.jid.domain);
}

class GsaslFactory final : public SaslFactory {
public:
    std::unique_ptr<Sasl> make(std::string_view mechanism, const Account& account) override;
    std::string legacy_digest(std::string_view stream_id, const Account& account) override;

private:
    Library library_ = start_library();
};

std::unique_ptr<Sasl> GsaslFactory::make(std::string_view mechanism, const Account& account) {
    const std::string name(mechanism);
    if (!library_ || gsasl_client_support_p(library_.get(), name.c_str()) == 0) return nullptr;
    Gsasl_session* raw = nullptr;
    if (gsasl_client_start(library_.get(), name.c_str(), &raw) != GSASL_OK) return nullptr;
    Session session(raw);
    if (!set_up(session.get(), account)) return nullptr;
    return std::make_unique<GsaslExchange>(library_, std::move(session), mechanism);
}

std::string GsaslFactory::legacy_digest(std::string_view stream_id, const Account& account) {
    const std::string text = std::string(stream_id) + account.secret;
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    if (EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha1(), nullptr) != 1) return {};
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (const unsigned char byte : std::span(digest).first(length)) {
        out += digits[byte >> 4U];
        out += digits[byte & 0xFU];
    }
    return out;
}

}  // namespace

std::unique_ptr<SaslFactory> make_gsasl() {
    return std::make_unique<GsaslFactory>();
}

}  // namespace lamplight::c2s
