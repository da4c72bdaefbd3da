#include "bus/ais/evt/event.hpp"

#include <fmt/format.h>

namespace lamplight::bus::ais::evt {
namespace {

struct Meaning {
    std::string_view name;
    std::string_view text;
};

Meaning meaning_of(Error error) {
    switch (error) {
        case Error::init:
            return {"INIT", "the callback that this needs was not given to saEvtInitialize"};
        case Error::timeout:
            return {"TIMEOUT", "no answer in time; the group may be out of reach"};
        case Error::try_again:
            return {"TRY_AGAIN",
                    "not now, because too much waits to be sent or the channels are not known yet; "
                    "try again later"};
        case Error::invalid_param:
            return {"INVALID_PARAM", "an argument is empty, out of its range or has a reserved value"};
        case Error::bad_handle:
            return {"BAD_HANDLE", "the handle was never given or is closed"};
        case Error::access:
            return {"ACCESS",
                    "the channel was not opened for this: it takes SA_EVT_CHANNEL_PUBLISHER to publish "
                    "and clear, SA_EVT_CHANNEL_SUBSCRIBER to subscribe"};
        case Error::not_exist:
            return {"NOT_EXIST",
                    "there is none of this name or id; a channel is made where it is missing when "
                    "SA_EVT_CHANNEL_CREATE is asked for"};
        case Error::name_too_long:
            return {"NAME_TOO_LONG", "a name has more than 256 bytes"};
        case Error::exist:
            return {"EXIST", "the client has a subscription of this id already"};
        case Error::no_resources:
            return {"NO_RESOURCES",
                    "a limit is reached: of the channels of the cluster or the opens of a process"};
        case Error::bad_flags:
            return {"BAD_FLAGS",
                    "there are no such flags; of PUBLISHER, SUBSCRIBER and CREATE any may be set"};
        case Error::too_big:
            return {"TOO_BIG",
                    "data has more than 65536 bytes, a pattern more than 255, or there are more than 10 "
                    "patterns"};
        case Error::unavailable:
            return {"UNAVAILABLE", "this node is no member of the cluster"};
    }
    return {"?", "an unknown error"};
}

}  // namespace

std::string to_string(Error error) {
    return fmt::format("SA_AIS_ERR_{} ({})", meaning_of(error).name, static_cast<int>(error));
}

std::string_view explain(Error error) {
    return meaning_of(error).text;
}

}  // namespace lamplight::bus::ais::evt
