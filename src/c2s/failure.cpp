#include "c2s/failure.hpp"

namespace lamplight::c2s {

std::string_view to_string(Failure::Kind kind) {
    switch (kind) {
        case Failure::Kind::closed:
            return "closed";
        case Failure::Kind::not_found:
            return "not found";
        case Failure::Kind::unreachable:
            return "unreachable";
        case Failure::Kind::lost:
            return "lost";
        case Failure::Kind::ended_by_server:
            return "ended by the server";
        case Failure::Kind::conflict:
            return "conflict";
        case Failure::Kind::tls_not_offered:
            return "TLS not offered";
        case Failure::Kind::tls_failed:
            return "TLS failed";
        case Failure::Kind::not_authorized:
            return "not authorized";
        case Failure::Kind::no_mechanism:
            return "no mechanism";
        case Failure::Kind::server_not_verified:
            return "server not verified";
        case Failure::Kind::registration_refused:
            return "registration refused";
        case Failure::Kind::bad_xml:
            return "bad XML";
        case Failure::Kind::protocol:
            return "protocol";
        case Failure::Kind::bind_refused:
            return "bind refused";
        case Failure::Kind::refused_for_now:
            return "refused for now";
        case Failure::Kind::registered:
            return "registered";
    }
    return "unknown";
}

bool is_lasting(Failure::Kind kind) {
    switch (kind) {
        case Failure::Kind::conflict:
        case Failure::Kind::tls_not_offered:
        case Failure::Kind::not_authorized:
        case Failure::Kind::no_mechanism:
        case Failure::Kind::server_not_verified:
        case Failure::Kind::registration_refused:
            return true;
        case Failure::Kind::closed:
        case Failure::Kind::not_found:
        case Failure::Kind::unreachable:
        case Failure::Kind::lost:
        case Failure::Kind::ended_by_server:
        case Failure::Kind::tls_failed:
        case Failure::Kind::bad_xml:
        case Failure::Kind::protocol:
        case Failure::Kind::bind_refused:
        case Failure::Kind::refused_for_now:
        case Failure::Kind::registered:
            break;
    }
    return false;
}

}  // namespace lamplight::c2s
