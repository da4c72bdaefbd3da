#include "c2s/login.hpp"

#include "c2s/login_impl.hpp"
#include "c2s/login_stanzas.hpp"
#include "c2s/one_line.hpp"
#include "c2s/stream_error.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace lamplight::c2s {

namespace {

using wire::xml::Element;
using Kind = Failure::Kind;
using Act = Login::Output::Act;
using Line = Login::Output::Line;

constexpr unsigned most_challenges = 8;
constexpr std::size_t most_mechanisms = 64;

std::vector<std::string> offered_by(const std::vector<Element>& features) {
    std::vector<std::string> out;
    for (const Element& feature : features) {
        if (!feature.is("mechanisms", sasl_ns)) continue;
        for (const Element& each : feature.children)
            if (each.is("mechanism", sasl_ns) && out.size() < most_mechanisms) out.push_back(each.text);
    }
    return out;
}

const Element* find(const std::vector<Element>& features, std::string_view name, std::string_view ns) {
    const auto found = std::ranges::find_if(features, [&](const Element& each) { return each.is(name, ns); });
    return found == features.end() ? nullptr : &*found;
}

/// A server speaks first in DIGEST-MD5: there is no initial response, rather than an empty one.
bool speaks_second(std::string_view mechanism) {
    return mechanism == "DIGEST-MD5";
}

/// What the login's failure is when the server gives this condition (RFC 6120 section 6.5).
Kind kind_of(std::string_view condition) {
    constexpr std::string_view of_a_step[] = {"aborted", "incorrect-encoding", "malformed-request"};
    if (condition == "temporary-auth-failure") return Kind::refused_for_now;
    if (condition == "encryption-required") return Kind::no_mechanism;
    if (std::ranges::find(of_a_step, condition) != std::end(of_a_step)) return Kind::protocol;
    return Kind::not_authorized;
}

std::string advice_for(std::string_view condition, const Account& account) {
    if (condition == "temporary-auth-failure") return "look at the server's log";
    if (condition == "encryption-required") return fmt::format("`usetls = yes` at {}", account.place);
    if (condition == "account-disabled" || condition == "credentials-expired")
        return "the account has to be put right on the server";
    if (kind_of(condition) == Kind::protocol) return {};
    return fmt::format(
        "check username and secret ({}); after several wrong passwords some servers refuse the right one, "
        "too, for a while",
        account.place);
}

}  // namespace

std::string_view to_string(State state) {
    switch (state) {
        case State::disconnected:
            return "Disconnected";
        case State::connecting:
            return "Connecting";
        case State::waiting_for_tls:
            return "Waiting to request TLS";
        case State::requested_tls:
            return "Requested TLS";
        case State::waiting_to_authenticate:
            return "Waiting to authenticate";
        case State::authenticating:
            return "Authenticating";
        case State::retrieving_roster:
            return "Retrieving roster";
        case State::connected:
            return "Connected";
        case State::disconnecting:
            return "Disconnecting";
    }
    return "Unknown";
}

// --- what happens ---

Login::Output Login::Impl::connected() {
    if (step_ != Step::unconnected) return {};
    encrypted_ = account_.tls == Account::Tls::direct;
    return open();
}

Login::Output Login::Impl::encrypted() {
    if (step_ != Step::handshake) return {};
    encrypted_ = true;
    return open();
}

Login::Output Login::Impl::open() {
    stream_id_.clear();
    features_.clear();
    return go(Step::header, stream_header(account_));
}

Login::Output Login::Impl::opened(const wire::xml::StreamOpened& opened) {
    if (step_ == Step::bound || step_ == Step::over) return {};
    const Element& header = opened.header;
    if (step_ != Step::header || !header.is("stream", streams_ns) || opened.content_ns != client_ns)
        return unexpected(header);
    stream_id_ = header.value_of("id");
    if (header.attribute("version") != nullptr) return go(Step::features, {});
    // Before XMPP 1.0: no features are sent.
    if (authenticated_) return fail({Kind::protocol, "the server's second header is none of XMPP 1.0", {}});
    if (account_.tls == Account::Tls::starttls && !encrypted_) return request_tls();
    if (account_.login == Account::Login::legacy) return ask_legacy_fields();
    return fail({Kind::no_mechanism, "the server speaks a Jabber that is older than XMPP 1.0, without SASL",
                 fmt::format("`usesasl = no` (see {})", account_.place)});
}

Login::Output Login::Impl::receive(const Element& element) {
    if (step_ == Step::bound || step_ == Step::over) return {};
    if (is_stream_error(element)) return fail(stream_refused(element));
    return dispatch(element);
}

Login::Output Login::Impl::dispatch(const Element& element) {
    switch (step_) {
        case Step::features:
            return take_features(element);
        case Step::proceed:
            return take_proceed(element);
        case Step::sasl:
            return take_sasl(element);
        case Step::bind:
            return take_bind(element);
        case Step::session:
            return take_session(element);
        case Step::legacy_fields:
            return take_legacy_fields(element);
        case Step::legacy_login:
            return take_legacy_login(element);
        case Step::register_form:
            return take_register_form(element);
        case Step::registering:
            return take_registered(element);
        case Step::unconnected:
        case Step::header:
        case Step::handshake:
        case Step::bound:
        case Step::over:
            break;
    }
    return unexpected(element);
}

Login::Output Login::Impl::closed() {
    if (step_ == Step::over) return {};
    if (step_ == Step::legacy_login)
        return fail(
            {Kind::not_authorized,
             fmt::format("the server closed the stream instead of answering the login of {} by "
                         "jabber:iq:auth: Tigase 8 does so when the password is wrong",
                         name()),
             fmt::format("`usesasl = yes` tells more; check username and secret ({})", account_.place)});
    if (step_ == Step::register_form || step_ == Step::registering)
        return fail(registration_failed("the server closed the stream"));
    return fail({Kind::ended_by_server,
                 fmt::format("the server closed the stream in state `{}`", to_string(state())),
                 {}});
}

State Login::Impl::state() const {
    switch (step_) {
        case Step::unconnected:
            return State::connecting;
        case Step::header:
        case Step::features:
            if (authenticated_) return State::authenticating;
            return account_.tls == Account::Tls::starttls && !encrypted_ ? State::waiting_for_tls
                                                                         : State::waiting_to_authenticate;
        case Step::proceed:
        case Step::handshake:
            return State::requested_tls;
        case Step::sasl:
        case Step::bind:
        case Step::session:
        case Step::legacy_fields:
        case Step::legacy_login:
        case Step::register_form:
        case Step::registering:
            return State::authenticating;
        case Step::bound:
            return State::retrieving_roster;
        case Step::over:
            break;
    }
    return State::disconnecting;
}

// --- features and TLS ---

Login::Output Login::Impl::take_features(const Element& features) {
    if (!features.is("features", streams_ns)) return unexpected(features);
    features_ = features.children;
    if (authenticated_) return bind_resource();
    if (account_.tls == Account::Tls::starttls && !encrypted_) return request_tls();
    offered_ = offered_by(features_);
    if (account_.login == Account::Login::legacy) return ask_legacy_fields();
    return choose_mechanism();
}

Login::Output Login::Impl::request_tls() {
    if (find(features_, "starttls", tls_ns) != nullptr) return go(Step::proceed, starttls());
    return fail(
        {Kind::tls_not_offered, "the server does not offer TLS",
         fmt::format("turn it on at the server, or say `usetls = no` at {} if everybody on the way may "
                     "read and change everything; a port of its own for TLS (5223) wants "
                     "`tls_mode = direct`",
                     account_.place)});
}

Login::Output Login::Impl::take_proceed(const Element& element) {
    if (element.is("failure", tls_ns))
        return fail({Kind::tls_failed, "the server offers TLS and cannot do it",
                     "look at the server's log: its certificate may be missing"});
    if (!element.is("proceed", tls_ns)) return unexpected(element);
    Output out = go(Step::handshake, {});
    out.act = Act::start_tls;
    return out;
}

// --- SASL ---

Login::Output Login::Impl::choose_mechanism() {
    mechanisms_ = usable_mechanisms(offered_, account_, encrypted_);
    refused_.clear();
    return start_mechanism();
}

/// The strongest that is left, and that the library has.
Login::Output Login::Impl::start_mechanism() {
    while (!mechanisms_.empty()) {
        mechanism_ = std::move(mechanisms_.front());
        mechanisms_.erase(mechanisms_.begin());
        sasl_ = factory_.make(mechanism_, account_);
        if (sasl_) return start_exchange();
    }
    return fail(nothing_usable());
}

Login::Output Login::Impl::start_exchange() {
    challenges_ = 0;
    auto initial = sasl_->start();
    if (!initial) return refuse_sasl(initial.error());
    const bool has_none = speaks_second(mechanism_) && initial->empty();
    Output out =
        go(Step::sasl, sasl_auth(mechanism_, has_none ? std::nullopt : std::optional(std::move(*initial))));
    warn_of_clear_link(out);
    return out;
}

Failure Login::Impl::nothing_usable() const {
    std::vector<std::string> names;
    for (const std::string& each : offered_)
        if (names.size() < 8) names.push_back(one_line(each, 40));
    Failure out{Kind::no_mechanism, "the server offers no SASL mechanism", "let it offer SCRAM-SHA-256"};
    if (!refused_.empty())
        out.text = fmt::format("the server offers {} and refuses it", refused_);
    else if (!names.empty())
        out.text = fmt::format("none of the SASL mechanisms that the server offers may be used: {}",
                               fmt::join(names, ", "));
    if (!encrypted_ && find(features_, "starttls", tls_ns) != nullptr)
        out.what_to_do = fmt::format("the server may want TLS first: `usetls = yes` at {}", account_.place);
    else if (names.empty() && find(features_, "auth", legacy_feature_ns) != nullptr)
        out.what_to_do = fmt::format("`usesasl = no` (see {})", account_.place);
    return out;
}

Login::Output Login::Impl::take_sasl(const Element& element) {
    if (element.is("challenge", sasl_ns)) return take_challenge(element);
    if (element.is("success", sasl_ns)) return take_success(element);
    if (element.is("failure", sasl_ns)) return take_failure(element);
    return unexpected(element);
}

Login::Output Login::Impl::take_challenge(const Element& challenge) {
    if (++challenges_ > most_challenges) return unexpected(challenge);
    const auto bytes = sasl_bytes(challenge);
    if (!bytes) return refuse_sasl(Sasl::Refusal::malformed);
    const auto answer = sasl_->step(*bytes);
    if (!answer) return refuse_sasl(answer.error());
    return go(Step::sasl, sasl_response(*answer));
}

Login::Output Login::Impl::take_success(const Element& success) {
    const auto bytes = sasl_bytes(success);
    if (!bytes) return refuse_sasl(Sasl::Refusal::malformed);
    if (const auto done = sasl_->succeeded(*bytes); !done) return refuse_sasl(done.error());
    sasl_.reset();
    authenticated_ = true;
    Output out = open();
    out.act = Act::restart_stream;
    return out;
}

Login::Output Login::Impl::take_failure(const Element& failure) {
    sasl_.reset();
    const std::string condition = condition_of(failure, sasl_ns);
    if (condition == "invalid-mechanism" || condition == "mechanism-too-weak") {
        refused_ += (refused_.empty() ? "" : ", ") + mechanism_;
        return start_mechanism();
    }
    Failure out{kind_of(condition),
                fmt::format("the server refuses the login of {} by {}: {}", name(), mechanism_,
                            told(failure, sasl_ns, account_)),
                advice_for(condition, account_)};
    return condition == "not-authorized" ? not_authorized(std::move(out)) : fail(std::move(out));
}

Login::Output Login::Impl::refuse_sasl(Sasl::Refusal refusal) {
    sasl_.reset();
    switch (refusal) {
        case Sasl::Refusal::malformed:
            return fail({Kind::protocol, fmt::format("what the server sent is none of {}", mechanism_), {}},
                        sasl_abort());
        case Sasl::Refusal::too_many_iterations:
            return fail({Kind::no_mechanism,
                         fmt::format("the server asks for too many or too few iterations of {}: {} to {} are "
                                     "accepted",
                                     mechanism_, least_iterations, most_iterations),
                         "set the password again on the server, with 4096 iterations or more"},
                        sasl_abort());
        case Sasl::Refusal::server_not_verified:
            return fail(
                {Kind::server_not_verified,
                 fmt::format("the server has not proved that it knows the password of {} ({}): it may "
                             "be another one than it says",
                             name(), mechanism_),
                 "check serverhost, the name's address and the certificate"},
                sasl_abort());
        case Sasl::Refusal::library:
            break;
    }
    return fail({Kind::no_mechanism, fmt::format("libgsasl cannot go on with {}", mechanism_),
                 "a secret of letters, digits and signs of ASCII always works"},
                sasl_abort());
}

// --- the resource ---

Login::Output Login::Impl::bind_resource() {
    if (find(features_, "bind", bind_ns) != nullptr) return go(Step::bind, bind_request(account_));
    return fail({Kind::protocol, "the server offers no resource after the login", {}});
}

Login::Output Login::Impl::take_bind(const Element& answer) {
    if (!is_answer(answer, bind_id)) return unexpected(answer);
    if (answer.value_of("type") == "error") {
        const Element* const error = answer.child("error");
        const std::string why = error == nullptr ? "error" : told(*error, stanza_errors_ns, account_);
        return fail({Kind::bind_refused,
                     fmt::format("the server refuses the resource {}: {}", account_.jid.resource, why),
                     why.starts_with("conflict") ? "give each client a resource of its own in username"
                                                 : "look at the server's log"});
    }
    const Element* const bind = answer.child("bind", bind_ns);
    const auto jid = parse_jid(bind == nullptr ? std::string_view() : bind->text_of("jid", bind_ns));
    if (!jid || jid->local.empty() || jid->is_bare())
        return fail({Kind::protocol, "the server gave no address for the resource", {}});
    jid_ = *jid;
    const Element* const session = find(features_, "session", session_ns);
    if (session != nullptr && session->child("optional") == nullptr)
        return go(Step::session, session_request());
    return bound();
}

Login::Output Login::Impl::take_session(const Element& answer) {
    if (!is_answer(answer, session_id)) return answer.ns == client_ns ? Output() : unexpected(answer);
    if (answer.value_of("type") == "result") return bound();
    const Element* const error = answer.child("error");
    return fail({Kind::bind_refused,
                 fmt::format("the server opens no session: {}",
                             error == nullptr ? "error" : told(*error, stanza_errors_ns, account_)),
                 "look at the server's log"});
}

Login::Output Login::Impl::bound() {
    Output out = go(Step::bound, {});
    out.act = Act::bound;
    out.bound = {
        .jid = jid_, .features = std::move(features_), .mechanism = mechanism_, .registered = registered_};
    const bool is_other = jid_.bare() != account_.jid.bare() ||
                          (!account_.jid.resource.empty() && jid_.resource != account_.jid.resource);
    if (is_other)
        out.lines.push_back(notice(fmt::format("the server made us {}, and {} was asked for",
                                               one_line(to_string(jid_)), to_string(account_.jid))));
    return out;
}

// --- what comes out ---

Login::Output Login::Impl::go(Step step, std::string send) {
    step_ = step;
    Output out;
    out.send = std::move(send);
    return out;
}

/// An account that was just made and cannot be used in this stream may be used in the next.
Login::Output Login::Impl::fail(Failure failure, std::string last_words) {
    const bool is_next = registered_ && !authenticated_ && !is_lasting(failure.kind);
    if (is_next) {
        failure.text = fmt::format("{} was registered; {}", name(), failure.text);
        failure.kind = Kind::registered;
    }
    Output out = go(Step::over, std::move(last_words));
    out.act = Act::fail;
    out.failure = std::move(failure);
    return out;
}

Login::Output Login::Impl::unexpected(const Element& element) {
    const std::string last_words = step_ == Step::sasl ? sasl_abort() : std::string();
    return fail({Kind::protocol,
                 fmt::format("<{} xmlns='{}'/> from the server is not expected in state `{}`",
                             one_line(element.name, 40), one_line(element.ns, 60), to_string(state())),
                 {}},
                last_words);
}

void Login::Impl::warn_of_clear_link(Output& output) {
    if (encrypted_) return;
    const bool shows_password = !mechanism_.starts_with("SCRAM-");
    const Warned level = shows_password ? Warned::password : Warned::link;
    if (warned_ >= level) return;
    warned_ = level;
    std::string text =
        shows_password
            ? fmt::format(
                  "{}: the password of {} goes over the wire readable ({} without TLS), since the server "
                  "offers nothing stronger",
                  account_.place, name(), mechanism_)
            : fmt::format(
                  "{}: the link to {} is not encrypted: whoever is on the way can read and change "
                  "everything but the password",
                  account_.place, account_.jid.domain);
    output.lines.push_back({.level = Line::Level::warning, .text = std::move(text)});
}

Line Login::Impl::notice(std::string text) {
    return {.level = Line::Level::notice, .text = std::move(text)};
}

bool Login::Impl::is_answer(const Element& element, std::string_view id) const {
    const std::string_view type = element.value_of("type");
    return element.is("iq", client_ns) && element.value_of("id") == id &&
           (type == "result" || type == "error");
}

// --- what others see ---

Login::Login(const Account& account, SaslFactory& sasl) : impl_(std::make_unique<Impl>(account, sasl)) {}
Login::~Login() = default;

Login::Output Login::connected() {
    return impl_->connected();
}
Login::Output Login::encrypted() {
    return impl_->encrypted();
}
Login::Output Login::opened(const wire::xml::StreamOpened& header) {
    return impl_->opened(header);
}
Login::Output Login::receive(const wire::xml::Element& element) {
    return impl_->receive(element);
}
Login::Output Login::closed() {
    return impl_->closed();
}
State Login::state() const {
    return impl_->state();
}

}  // namespace lamplight::c2s
