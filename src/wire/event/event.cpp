#include "wire/event/event.hpp"

namespace lamplight::wire::event {

std::string_view to_string(Type type) {
    switch (type) {
        case Type::mwi:
            return "MWI";
        case Type::device_state:
            return "DEVICE_STATE";
        case Type::device_state_change:
            return "DEVICE_STATE_CHANGE";
        case Type::ping:
            return "PING";
        case Type::cluster_discovery:
            return "CLUSTER_DISCOVERY";
    }
    return "?";
}

std::string_view to_string(HashRule rule) {
    switch (rule) {
        case HashRule::modern:
            return "modern";
        case HashRule::legacy:
            return "legacy";
    }
    return "?";
}

std::string_view to_string(Malformed reason) {
    switch (reason) {
        case Malformed::too_short:
            return "too short";
        case Malformed::too_long:
            return "too long";
        case Malformed::wrong_length:
            return "wrong length";
        case Malformed::unknown_type:
            return "unknown type";
        case Malformed::broken_element:
            return "broken element";
        case Malformed::broken_text:
            return "broken text";
        case Malformed::missing_eid:
            return "no EID";
        case Malformed::zero_eid:
            return "zero EID";
        case Malformed::missing_device:
            return "no device";
        case Malformed::missing_state:
            return "no state";
        case Malformed::unknown_state:
            return "unknown state";
        case Malformed::missing_mailbox:
            return "no mailbox";
        case Malformed::missing_node:
            return "no node id or address";
        case Malformed::name_too_long:
            return "name too long";
    }
    return "?";
}

}  // namespace lamplight::wire::event
