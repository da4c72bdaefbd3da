#include "c2s/tls.hpp"

#include "c2s/one_line.hpp"

#include <boost/asio/ip/address.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <filesystem>
#include <utility>
#include <vector>

namespace lamplight::c2s {

namespace {

template <auto free>
struct Freed {
    template <typename T>
    void operator()(T* what) const {
        free(what);
    }
};
using Context = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using Connection = std::unique_ptr<SSL, Freed<SSL_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;

constexpr std::size_t record_bytes = 16 * 1024;
constexpr std::size_t most_names = 8;  // of a certificate, in a text

/// OpenSSL's own words for what went wrong last; none of them are left behind.
std::string last_error() {
    const unsigned long code = ERR_peek_last_error();
    ERR_clear_error();
    const char* const reason = ERR_reason_error_string(code);
    if (reason != nullptr) return reason;
    return code != 0 ? fmt::format("error {:#x}", code) : "no reason given";
}

bool is_address(const std::string& domain) {
    boost::system::error_code error;
    boost::asio::ip::make_address(domain, error);
    return !error;
}

std::chrono::system_clock::time_point end_of(const X509* certificate) {
    std::tm time{};
    if (certificate == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) != 1) return {};
    return std::chrono::system_clock::from_time_t(::timegm(&time));
}

std::string day(std::chrono::system_clock::time_point time) {
    return fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

std::string start_of(const X509* certificate) {
    std::tm time{};
    if (ASN1_TIME_to_tm(X509_get0_notBefore(certificate), &time) != 1) return "an unreadable day";
    return day(std::chrono::system_clock::from_time_t(::timegm(&time)));
}

/// The names that a certificate stands for, as it may be said to people.
std::string names_of(const X509* certificate) {
    const Names names(
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    std::vector<std::string> out;
    const int count = names ? sk_GENERAL_NAME_num(names.get()) : 0;
    for (int i = 0; i < count && out.size() < most_names; ++i) {
        const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
        if (name->type != GEN_DNS) continue;
        const auto* const text = ASN1_STRING_get0_data(name->d.dNSName);
        const auto size = static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName));
        out.push_back(one_line({reinterpret_cast<const char*>(text), size}, 100));
    }
    return out.empty() ? "none" : fmt::format("{}", fmt::join(out, ", "));
}

/// What verification found wrong; kept beside the connection.
struct Verdict {
    int error = X509_V_OK;
    std::string text;
    std::string what_to_do;
};

Verdict verdict_of(int error, const X509* certificate, std::string_view domain, std::string_view ca_file) {
    const char* const words = X509_verify_cert_error_string(error);
    const std::string trusted = ca_file.empty() ? "the system's authorities" : std::string(ca_file);
    Verdict verdict{error, fmt::format("the certificate of {} was refused: {}", domain, words), {}};
    if (certificate == nullptr) return verdict;
    switch (error) {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            verdict.text = fmt::format("the certificate of {} expired on {}: {}", domain,
                                       day(end_of(certificate)), words);
            verdict.what_to_do = "renew it on the server; when it is right, check this machine's clock";
            break;
        case X509_V_ERR_CERT_NOT_YET_VALID:
            verdict.text = fmt::format("the certificate of {} is valid from {}: {}", domain,
                                       start_of(certificate), words);
            verdict.what_to_do = "check this machine's clock";
            break;
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            verdict.text = fmt::format("the certificate is not for {}: {}; names found: {}", domain, words,
                                       names_of(certificate));
            verdict.what_to_do =
                fmt::format("give the server a certificate for {}, the domain of the JID", domain);
            break;
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            verdict.text = fmt::format("the certificate of {} is by an unknown issuer: {}; trusted are {}",
                                       domain, words, trusted);
            verdict.what_to_do = "name the file of the issuer's certificate, or a self-signed one, by tls_ca";
            break;
        default:
            break;
    }
    return verdict;
}

Failure failed(std::string text, std::string what_to_do = {}) {
    return {Failure::Kind::tls_failed, std::move(text), std::move(what_to_do)};
}

/// A folder in which OpenSSL finds an authority by its hash, without reading all of them.
bool is_hashed(const std::filesystem::path& folder) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error))
        if (entry.path().extension() == ".0") return true;
    return false;
}

tl::expected<void, Failure> trust(SSL_CTX& context, const Account& account) {
    if (!account.ca_file.empty()) {
        if (SSL_CTX_load_verify_file(&context, account.ca_file.c_str()) == 1) return {};
        return tl::unexpected(
            failed(fmt::format("the authorities of {} cannot be read: {}", account.ca_file, last_error()),
                   "tls_ca is a file in PEM that the daemon may read"));
    }
    const char* const folder = X509_get_default_cert_dir();
    if (std::getenv(X509_get_default_cert_file_env()) == nullptr && is_hashed(folder))
        SSL_CTX_set_default_verify_dir(&context);
    else
        SSL_CTX_set_default_verify_paths(&context);
    return {};
}

tl::expected<void, Failure> identify(SSL_CTX& context, const Account& account) {
    if (account.certificate.empty()) return {};
    // A key with a password would ask for it on the terminal.
    SSL_CTX_set_default_passwd_cb(&context, [](char*, int, int, void*) { return -1; });
    if (SSL_CTX_use_certificate_chain_file(&context, account.certificate.c_str()) != 1)
        return tl::unexpected(
            failed(fmt::format("the certificate {} cannot be read: {}", account.certificate, last_error()),
                   "a file in PEM, the certificate first, that the daemon may read"));
    const std::string& key = account.private_key.empty() ? account.certificate : account.private_key;
    if (SSL_CTX_use_PrivateKey_file(&context, key.c_str(), SSL_FILETYPE_PEM) == 1) return {};
    return tl::unexpected(failed(fmt::format("the private key {} cannot be used: {}", key, last_error()),
                                 "a key in PEM, of this certificate, without a password"));
}

tl::expected<Context, Failure> make_context(const Account& account) {
    ERR_clear_error();
    Context context(SSL_CTX_new(TLS_client_method()));
    if (!context) return tl::unexpected(failed(fmt::format("OpenSSL does not start: {}", last_error())));
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    if (account.verify == Account::Verify::yes)
        if (auto done = trust(*context, account); !done) return tl::unexpected(std::move(done.error()));
    if (auto done = identify(*context, account); !done) return tl::unexpected(std::move(done.error()));
    return context;
}

}  // namespace

struct Tls::Impl {
    Context context;
    Connection connection;
    BIO* in = nullptr;   ///< of the connection
    BIO* out = nullptr;  ///< of the connection
    std::string domain;
    std::string ca_file;
    bool verifies = true;
    Verdict verdict;

    static int slot() {
        static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
        return index;
    }

    static int verify(int good, X509_STORE_CTX* store) {
        if (good == 1) return 1;
        auto* const connection =
            static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
        auto& self = *static_cast<Impl*>(SSL_get_ex_data(connection, slot()));
        const X509* certificate = X509_STORE_CTX_get_current_cert(store);
        self.verdict = verdict_of(X509_STORE_CTX_get_error(store), certificate, self.domain, self.ca_file);
        return 0;
    }

    void expect_name() const {
        X509_VERIFY_PARAM* const wanted = SSL_get0_param(connection.get());
        X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        if (is_address(domain)) {
            X509_VERIFY_PARAM_set1_ip_asc(wanted, domain.c_str());
            return;
        }
        X509_VERIFY_PARAM_set1_host(wanted, domain.c_str(), domain.size());
        SSL_set_tlsext_host_name(connection.get(), domain.c_str());
    }

    void set_up(const Account& account) {
        in = BIO_new(BIO_s_mem());
        out = BIO_new(BIO_s_mem());
        SSL_set_bio(connection.get(), in, out);
        SSL_set_connect_state(connection.get());
        SSL_set_ex_data(connection.get(), slot(), this);
        SSL_set_verify(connection.get(), verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                       verifies ? verify : nullptr);
        expect_name();
        if (account.tls != Account::Tls::direct) return;
        constexpr std::string_view protocols = "\x0bxmpp-client";
        SSL_set_alpn_protos(connection.get(), reinterpret_cast<const unsigned char*>(protocols.data()),
                            protocols.size());
    }

    /// Whether it only waits for more from the socket.
    bool waits(int result) const {
        const int error = SSL_get_error(connection.get(), result);
        return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
    }

    Failure handshake_failure() const {
        if (verdict.error != X509_V_OK) {
            ERR_clear_error();
            return failed(verdict.text, verdict.what_to_do);
        }
        const int reason = ERR_GET_REASON(ERR_peek_last_error());
        const std::string text = fmt::format("the TLS handshake with {} failed: {}", domain, last_error());
        switch (reason) {
            case SSL_R_WRONG_VERSION_NUMBER:
            case SSL_R_HTTP_REQUEST:
                return failed(text, "no TLS is spoken on that port: check port and tls_mode");
            case SSL_R_UNSUPPORTED_PROTOCOL:
            case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
                return failed(text, "the server needs TLS 1.2 at least");
            default:
                return failed(text);
        }
    }
};

Tls::Tls(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tls::~Tls() = default;

tl::expected<std::unique_ptr<Tls>, Failure> Tls::make(const Account& account) {
    auto context = make_context(account);
    if (!context) return tl::unexpected(std::move(context.error()));
    auto impl = std::make_unique<Impl>();
    impl->context = std::move(*context);
    impl->connection.reset(SSL_new(impl->context.get()));
    if (!impl->connection)
        return tl::unexpected(failed(fmt::format("OpenSSL does not start: {}", last_error())));
    impl->domain = account.jid.domain;
    impl->ca_file = account.ca_file;
    impl->verifies = account.verify == Account::Verify::yes;
    impl->set_up(account);
    return std::unique_ptr<Tls>(new Tls(std::move(impl)));
}

tl::expected<Tls::Handshake, Failure> Tls::handshake() {
    ERR_clear_error();
    const int result = SSL_do_handshake(impl_->connection.get());
    if (result == 1) return Handshake::done;
    if (impl_->waits(result)) return Handshake::under_way;
    return tl::unexpected(impl_->handshake_failure());
}

void Tls::feed(std::string_view ciphertext) {
    BIO_write(impl_->in, ciphertext.data(), static_cast<int>(ciphertext.size()));
}

tl::expected<Tls::Read, Failure> Tls::read(std::string& plain) {
    std::array<char, record_bytes> piece;
    for (;;) {
        ERR_clear_error();
        std::size_t size = 0;
        const int result = SSL_read_ex(impl_->connection.get(), piece.data(), piece.size(), &size);
        if (result == 1) {
            plain.append(piece.data(), size);
            continue;
        }
        const int error = SSL_get_error(impl_->connection.get(), result);
        if (error == SSL_ERROR_ZERO_RETURN) return Read::ended;
        if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return Read::all_read;
        return tl::unexpected(failed(fmt::format("TLS with {} failed: {}", impl_->domain, last_error())));
    }
}

tl::expected<void, Failure> Tls::write(std::string_view plain) {
    while (!plain.empty()) {
        ERR_clear_error();
        std::size_t size = 0;
        const std::string_view piece = plain.substr(0, record_bytes);
        if (SSL_write_ex(impl_->connection.get(), piece.data(), piece.size(), &size) != 1)
            return tl::unexpected(failed(fmt::format("TLS with {} failed: {}", impl_->domain, last_error())));
        plain.remove_prefix(size);
    }
    return {};
}

void Tls::shut_down() {
    ERR_clear_error();
    SSL_shutdown(impl_->connection.get());
    ERR_clear_error();
}

void Tls::take_out(std::string& ciphertext) {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(impl_->out, &bytes);
    if (size <= 0) return;
    ciphertext.append(bytes, static_cast<std::size_t>(size));
    (void)BIO_reset(impl_->out);
}

TlsInfo Tls::info() const {
    const SSL* const connection = impl_->connection.get();
    return {.protocol = SSL_get_version(connection),
            .cipher = SSL_get_cipher_name(connection),
            .certificate_end = end_of(SSL_get0_peer_certificate(connection)),
            .verified = impl_->verifies};
}

}  // namespace lamplight::c2s
