#pragma once

#include "c2s/login.hpp"
#include "c2s/registration.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::c2s {

class Login::Impl {
public:
    Impl(const Account& account, SaslFactory& sasl) : account_(account), factory_(sasl) {}

    Output connected();
    Output encrypted();
    Output opened(const wire::xml::StreamOpened& header);
    Output receive(const wire::xml::Element& element);
    Output closed();
    State state() const;

private:
    using Element = wire::xml::Element;
    enum class Step : std::uint8_t {
        unconnected,
        header,  ///< the server's is due: after connecting, after TLS, after SASL
        features,
        proceed,    ///< with TLS
        handshake,  ///< the shell's
        sasl,
        bind,
        session,
        legacy_fields,
        legacy_login,
        register_form,
        registering,
        bound,
        over,
    };

    // --- login.cpp ---
    Output dispatch(const Element& element);
    Output open();
    Output take_features(const Element& features);
    Output request_tls();
    Output take_proceed(const Element& element);
    Output choose_mechanism();
    Output start_mechanism();
    Output start_exchange();
    Failure nothing_usable() const;
    Output take_sasl(const Element& element);
    Output take_challenge(const Element& challenge);
    Output take_success(const Element& success);
    Output take_failure(const Element& failure);
    Output bind_resource();
    Output take_bind(const Element& answer);
    Output take_session(const Element& answer);
    Output bound();

    // --- login_accounts.cpp: jabber:iq:auth, and making the account ---
    Output ask_legacy_fields();
    Output take_legacy_fields(const Element& answer);
    Output log_in_by_digest();
    Output log_in_by_password();
    Output take_legacy_login(const Element& answer);
    Output legacy_refused(const std::string& why);
    Output not_authorized(Failure failure);
    Refused refused_login() const {
        return {.offered = offered_, .mechanism = mechanism_, .challenged = challenges_ > 0};
    }
    Output leave_account_alone(std::string_view why);
    Output take_register_form(const Element& answer);
    Output take_registered(const Element& answer);
    Failure registration_failed(const std::string& why) const;
    Failure legacy_unknown(const std::string& why) const;
    Failure stream_refused(const wire::xml::Element& error) const;

    // --- what comes out ---
    Output go(Step step, std::string send);
    Output fail(Failure failure, std::string last_words = {});
    Output unexpected(const Element& element);
    Output refuse_sasl(Sasl::Refusal refusal);
    /// Once a Login: that the link is readable, and what it shows.
    void warn_of_clear_link(Output& output);
    static Output::Line notice(std::string text);
    bool is_answer(const Element& element, std::string_view id) const;
    std::string name() const { return to_string(account_.jid.bare()); }

    const Account& account_;
    SaslFactory& factory_;
    Step step_ = Step::unconnected;
    bool encrypted_ = false;
    bool authenticated_ = false;
    std::string stream_id_;
    std::vector<Element> features_;

    std::vector<std::string> offered_;
    std::vector<std::string> mechanisms_;  ///< not yet tried, the strongest first
    std::string mechanism_;
    std::unique_ptr<Sasl> sasl_;
    unsigned challenges_ = 0;
    std::string refused_;  ///< mechanisms that the server offered and refused as such

    bool password_offered_ = false;  ///< by the form of jabber:iq:auth
    bool digest_sent_ = false;
    enum class Warned : std::uint8_t { no, link, password } warned_ = Warned::no;

    bool registered_ = false;
    Failure refusal_;  ///< that led to the registration
    Jid jid_;          ///< as the server gave it
};

}  // namespace lamplight::c2s
