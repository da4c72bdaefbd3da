#pragma once

#include "c2s/login.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <deque>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A Login with a server's words put in by hand.
namespace lamplight::c2s::test {

inline Account account() {
    Account out;
    out.jid = {"server1", "example.org", "astvoip1"};
    out.secret = "secret";
    out.place = "jabber.conf:14";
    return out;
}

/// An exchange that says what it is told to.
class FakeSasl final : public Sasl {
public:
    using Answers = std::deque<tl::expected<std::string, Refusal>>;
    FakeSasl(std::string mechanism, Answers answers, tl::expected<void, Refusal> end)
        : mechanism_(std::move(mechanism)), answers_(std::move(answers)), end_(end) {}

    std::string_view mechanism() const override { return mechanism_; }
    tl::expected<std::string, Refusal> start() override { return next(); }
    tl::expected<std::string, Refusal> step(std::string_view /*challenge*/) override { return next(); }
    tl::expected<void, Refusal> succeeded(std::string_view /*data*/) override { return end_; }

private:
    tl::expected<std::string, Refusal> next() {
        if (answers_.empty()) return tl::unexpected(Refusal::malformed);
        auto out = std::move(answers_.front());
        answers_.pop_front();
        return out;
    }

    std::string mechanism_;
    Answers answers_;
    tl::expected<void, Refusal> end_;
};

struct FakeFactory final : SaslFactory {
    std::map<std::string, FakeSasl::Answers, std::less<>> has = {
        {"EXTERNAL", {std::string()}},
        {"SCRAM-SHA-256", {"first", "final", ""}},
        {"SCRAM-SHA-1", {"first", "final", ""}},
        {"DIGEST-MD5", {std::string(), "digest", ""}},
        {"PLAIN", {"plain"}}};
    tl::expected<void, Sasl::Refusal> end;
    std::string digest = "abcdef";
    std::vector<std::string> made;

    std::unique_ptr<Sasl> make(std::string_view mechanism, const Account& /*account*/) override {
        const auto found = has.find(mechanism);
        if (found == has.end()) return nullptr;
        made.emplace_back(mechanism);
        return std::make_unique<FakeSasl>(std::string(mechanism), found->second, end);
    }
    std::string legacy_digest(std::string_view stream_id, const Account& account) override {
        return digest.empty() ? "" : std::string(stream_id) + "+" + account.secret + "=" + digest;
    }
};

/// One stream: bytes of the server in, what the Login wants out.
class Driver {
public:
    Driver(Account wanted, SaslFactory& factory)
        : account_(std::move(wanted)), login_(std::make_unique<Login>(account_, factory)) {}

    Login::Output connect() { return obey(login_->connected()); }
    Login::Output encrypted() { return obey(login_->encrypted()); }
    Login::Output closed() { return obey(login_->closed()); }
    /// A header, or one element.
    Login::Output say(std::string_view text) {
        std::vector<wire::xml::Item> items;
        const bool is_header = text.find("<stream:stream") != std::string_view::npos;
        if (is_header) parser_.reset();
        if (!parser_.feed(text, items) || items.size() != 1)
            throw std::runtime_error("not one item: " + std::string(text));
        if (const auto* header = std::get_if<wire::xml::StreamOpened>(&items[0]))
            return obey(login_->opened(*header));
        return obey(login_->receive(std::get<wire::xml::Element>(items[0])));
    }
    /// The header of a server of this id.
    Login::Output header(std::string_view id = "s1") {
        return say(
            "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='" +
            std::string(id) + "' from='example.org' version='1.0'>");
    }
    Login::Output features(std::string_view inside) {
        return say("<stream:features>" + std::string(inside) + "</stream:features>");
    }
    /// Through connecting, with TLS where it is wanted, to the features that offer these mechanisms.
    Login::Output offer(std::initializer_list<std::string_view> mechanisms, std::string_view more = {}) {
        connect();
        header();
        if (account_.tls == Account::Tls::starttls) {
            features("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
            say("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
            encrypted();
            header("s2");
        }
        std::string list;
        for (const std::string_view each : mechanisms)
            list += "<mechanism>" + std::string(each) + "</mechanism>";
        return features("<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" + list + "</mechanisms>" +
                        std::string(more));
    }
    Login::Output sasl(std::string_view name, std::string_view inside) {
        const std::string tag(name);
        return say("<" + tag + " xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" + std::string(inside) + "</" +
                   tag + ">");
    }
    State state() const { return login_->state(); }
    const std::vector<Login::Output::Line>& lines() const { return lines_; }

private:
    Login::Output obey(Login::Output output) {
        lines_.insert(lines_.end(), output.lines.begin(), output.lines.end());
        return output;
    }

    Account account_;
    std::unique_ptr<Login> login_;
    wire::xml::StreamParser parser_;
    std::vector<Login::Output::Line> lines_;
};

inline constexpr std::string_view bind_feature = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>";

}  // namespace lamplight::c2s::test
