// Any sequence of headers and elements into a Login, with libgsasl behind it or an exchange that takes
// everything (the first byte says which, and how the account is): it ends or goes on, and says nothing after
// its end.
#include "c2s/login.hpp"

#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

using namespace lamplight;
using namespace lamplight::c2s;

namespace {

constexpr std::string_view secret = "secret-of-this-test";

void require(bool holds) {
    if (!holds) std::abort();
}

class EasySasl final : public Sasl {
public:
    explicit EasySasl(std::string_view mechanism) : mechanism_(mechanism) {}
    std::string_view mechanism() const override { return mechanism_; }
    tl::expected<std::string, Refusal> start() override { return "first"; }
    tl::expected<std::string, Refusal> step(std::string_view challenge) override {
        if (challenge == "no") return tl::unexpected(Refusal::malformed);
        return std::string(challenge);
    }
    tl::expected<void, Refusal> succeeded(std::string_view data) override {
        if (data == "no") return tl::unexpected(Refusal::server_not_verified);
        return {};
    }

private:
    std::string mechanism_;
};

struct EasyFactory final : SaslFactory {
    std::unique_ptr<Sasl> make(std::string_view mechanism, const Account& /*account*/) override {
        return std::make_unique<EasySasl>(mechanism);
    }
    std::string legacy_digest(std::string_view stream_id, const Account& /*account*/) override {
        return std::string(stream_id);
    }
};

Account account_of(unsigned choice) {
    Account out;
    out.jid = {"server1", "example.org", "r"};
    out.secret = secret;
    out.place = "jabber.conf:1";
    out.tls = (choice & 1U) != 0 ? Account::Tls::starttls : Account::Tls::none;
    out.login = (choice & 2U) != 0 ? Account::Login::legacy : Account::Login::sasl;
    out.register_account = (choice & 4U) != 0 ? Account::Register::yes : Account::Register::no;
    if ((choice & 8U) != 0) out.certificate = "client.pem";
    return out;
}

class Shell {
public:
    Shell(const Account& account, SaslFactory& factory) : login_(account, factory) {
        obey(login_.connected());
    }

    void feed(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto end = std::min(bytes.size(), bytes.find('\n'));
            std::vector<wire::xml::Item> items;
            const bool is_read = parser_.feed(bytes.substr(0, end), items).has_value();
            for (const auto& item : items)
                std::visit([this](const auto& one) { take(one); }, item);
            if (!is_read) return;
            bytes.remove_prefix(std::min(bytes.size(), end + 1));
        }
        obey(login_.closed());
        require(is_over_);
    }

private:
    void take(const wire::xml::StreamOpened& header) { obey(login_.opened(header)); }
    void take(const wire::xml::Element& element) { obey(login_.receive(element)); }
    void take(const wire::xml::StreamClosed& /*closed*/) { obey(login_.closed()); }

    void obey(const Login::Output& output) {
        using Act = Login::Output::Act;
        if (is_over_) require(output.act == Act::nothing && output.send.empty() && output.lines.empty());
        for (const auto& line : output.lines)
            require(line.text.find(secret) == std::string::npos);
        require(output.failure.text.find(secret) == std::string::npos);
        require(output.failure.text.find('\n') == std::string::npos);
        if (output.act == Act::bound) require(!output.bound.jid.is_bare() && !output.bound.jid.local.empty());
        if (output.act == Act::restart_stream) parser_.reset();
        is_over_ = is_over_ || output.act == Act::fail;
        if (output.act == Act::start_tls) {
            parser_.reset();
            obey(login_.encrypted());
        }
    }

    Login login_;
    wire::xml::StreamParser parser_;
    bool is_over_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    // What the server says itself is repeated, and no secret of ours.
    if (std::string_view(reinterpret_cast<const char*>(data), size).find(secret) != std::string_view::npos)
        return 0;
    const unsigned choice = data[0];
    const Account account = account_of(choice);
    EasyFactory easy;
    static const auto gsasl = make_gsasl();
    Shell shell(account, (choice & 16U) != 0 ? *gsasl : static_cast<SaslFactory&>(easy));
    shell.feed({reinterpret_cast<const char*>(data) + 1, size - 1});
    return 0;
}
