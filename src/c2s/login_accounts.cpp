#include "c2s/login_impl.hpp"
#include "c2s/login_stanzas.hpp"
#include "c2s/registration.hpp"
#include "c2s/stream_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace lamplight::c2s {

namespace {

using wire::xml::Element;
using Kind = Failure::Kind;

constexpr std::string_view legacy_name = "jabber:iq:auth";

std::string condition(const Element& answer, const Account& account) {
    const Element* const error = answer.child("error");
    return error == nullptr ? "undefined-condition" : told(*error, stanza_errors_ns, account);
}

std::string by_hand(const Jid& jid) {
    return fmt::format(
        "make the account on the server: `prosodyctl adduser {}@{}` or `ejabberdctl register {} {} "
        "PASSWORD`, "
        "or with a chat client",
        jid.local, jid.domain, jid.local, jid.domain);
}

}  // namespace

// --- jabber:iq:auth (XEP-0078) ---

/// On a clear link nothing weaker than SCRAM is used where SCRAM is offered, whatever `usesasl` says.
Login::Output Login::Impl::ask_legacy_fields() {
    const auto is_scram = [](const std::string& each) { return each.starts_with("SCRAM-"); };
    if (!encrypted_ && std::ranges::any_of(usable_mechanisms(offered_, account_, encrypted_), is_scram)) {
        Output out = choose_mechanism();
        out.lines.push_back(notice(
            fmt::format("{}: SASL is used, though usesasl is no: without TLS jabber:iq:auth would show the "
                        "password, and the server offers {}",
                        account_.place, mechanism_)));
        return out;
    }
    mechanism_ = legacy_name;
    return go(Step::legacy_fields, legacy_fields_request(account_));
}

Login::Output Login::Impl::take_legacy_fields(const Element& answer) {
    if (!is_answer(answer, legacy_fields_id)) return unexpected(answer);
    if (answer.value_of("type") == "error") return fail(legacy_unknown(condition(answer, account_)));
    const Element* const query = answer.child("query", legacy_ns);
    if (query == nullptr) return unexpected(answer);
    password_offered_ = query->child("password", legacy_ns) != nullptr;
    if (query->child("digest", legacy_ns) != nullptr && !stream_id_.empty()) return log_in_by_digest();
    if (password_offered_) return log_in_by_password();
    return fail({Kind::no_mechanism, "the server takes neither a password nor a digest by jabber:iq:auth",
                 fmt::format("`usesasl = yes` (see {})", account_.place)});
}

Failure Login::Impl::legacy_unknown(const std::string& why) const {
    return {Kind::no_mechanism, fmt::format("the server does not take jabber:iq:auth: {}", why),
            fmt::format("`usesasl = yes` (see {})", account_.place)};
}

Login::Output Login::Impl::log_in_by_digest() {
    const std::string digest = factory_.legacy_digest(stream_id_, account_);
    if (digest.empty()) return legacy_refused("no digest can be made");
    digest_sent_ = true;
    Output out = go(Step::legacy_login, legacy_login_request(account_, "digest", digest));
    if (!encrypted_ && std::exchange(warned_, std::max(warned_, Warned::link)) == Warned::no)
        out.lines.push_back(
            {.level = Output::Line::Level::warning,
             .text = fmt::format("{}: the link to {} is not encrypted, and the password of {} can be guessed "
                                 "from its digest (jabber:iq:auth)",
                                 account_.place, account_.jid.domain, name())});
    return out;
}

Login::Output Login::Impl::log_in_by_password() {
    password_offered_ = false;
    Output out = go(Step::legacy_login, legacy_login_request(account_, "password", account_.secret));
    warn_of_clear_link(out);
    return out;
}

/// Prosody answers a digest with its form again: a result that is none.
Login::Output Login::Impl::take_legacy_login(const Element& answer) {
    if (!is_answer(answer, legacy_login_id)) return unexpected(answer);
    if (answer.value_of("type") == "error") return legacy_refused(condition(answer, account_));
    if (answer.child("query", legacy_ns) != nullptr) return legacy_refused("it asks again");
    jid_ = account_.jid;
    return bound();
}

Login::Output Login::Impl::legacy_refused(const std::string& why) {
    if (password_offered_) return log_in_by_password();
    return not_authorized(
        {Kind::not_authorized,
         fmt::format("the server refuses the login of {} by jabber:iq:auth: {}", name(), why),
         digest_sent_
             ? fmt::format("it may not take a digest: `usesasl = yes`; check username and secret ({})",
                           account_.place)
             : fmt::format("check username and secret ({}), or try `usesasl = yes`", account_.place)});
}

// --- making the account (XEP-0077) ---

/// A refused login: the end, or the account is made.
Login::Output Login::Impl::not_authorized(Failure failure) {
    if (account_.register_account == Account::Register::no || registered_) return fail(std::move(failure));
    refusal_ = std::move(failure);
    if (const auto why_not = why_not_missing(refused_login()); !why_not.empty())
        return leave_account_alone(why_not);
    return go(Step::register_form, register_form_request());
}

Login::Output Login::Impl::leave_account_alone(std::string_view why) {
    Failure out = std::move(refusal_);
    out.text += fmt::format("; the account is not registered: {}", why);
    out.what_to_do =
        fmt::format("check username and secret ({}), or {}", account_.place, by_hand(account_.jid));
    return fail(std::move(out));
}

Login::Output Login::Impl::take_register_form(const Element& answer) {
    if (!is_answer(answer, register_form_id)) return unexpected(answer);
    if (answer.value_of("type") == "error")
        return fail(
            registration_failed("the server does not register accounts: " + condition(answer, account_)));
    const Element* const form = answer.child("query", register_ns);
    if (form == nullptr) return unexpected(answer);
    if (form->child("registered", register_ns) != nullptr)
        return fail(registration_failed("the server says that it is registered"));
    if (const auto why_not = why_not_safe(refused_login(), *form); !why_not.empty())
        return leave_account_alone(why_not);
    return go(Step::registering, register_request(account_));
}

Login::Output Login::Impl::take_registered(const Element& answer) {
    if (!is_answer(answer, register_id)) return unexpected(answer);
    if (answer.value_of("type") == "error") return fail(registration_failed(condition(answer, account_)));
    registered_ = true;
    Output out = choose_mechanism();
    out.lines.push_back(
        notice(fmt::format("{} was registered at {} (register_account = yes)", name(), account_.jid.domain)));
    return out;
}

Failure Login::Impl::registration_failed(const std::string& why) const {
    return {Kind::registration_refused,
            fmt::format("{}; registering the account was refused, too: {}", refusal_.text, why),
            why.starts_with("conflict")
                ? fmt::format("the account exists: check its secret ({})", account_.place)
                : by_hand(account_.jid)};
}

/// A server that takes no stanza before the login ends the stream instead of refusing it (RFC 6120 section
/// 4.9.3.12; ejabberd): it has no jabber:iq:auth, or does not register.
Failure Login::Impl::stream_refused(const Element& error) const {
    Failure failure = failure_of(error);
    if (error.child("not-authorized", stream_errors_ns) == nullptr) return failure;
    if (step_ == Step::legacy_fields) return legacy_unknown(failure.text);
    if (step_ == Step::register_form || step_ == Step::registering) return registration_failed(failure.text);
    return failure;
}

}  // namespace lamplight::c2s
