#include "bus/ais/newest.hpp"

#include "wire/event/event.hpp"

#include <string>
#include <unordered_set>
#include <variant>

namespace lamplight::bus::ais {

namespace {

/// What an event is about, as a text; empty: about nothing that has a newest.
struct Subject {
    std::string operator()(const wire::event::DeviceStateChange& vote) const {
        return text('d', vote.eid, vote.device);
    }
    std::string operator()(const wire::event::Mwi& counts) const {
        return text('m', counts.eid, counts.mailbox).append(1, '\0').append(counts.context);
    }
    template <typename Other>
    std::string operator()(const Other&) const {
        return {};
    }
    static std::string text(char kind, const state::Eid& eid, std::string_view name) {
        std::string subject(1, kind);
        subject.append(reinterpret_cast<const char*>(eid.bytes.data()), eid.bytes.size());
        return subject.append(name);
    }
};

std::string subject_of(const evt::Event& event) {
    const wire::Bytes data{reinterpret_cast<const std::uint8_t*>(event.data.data()), event.data.size()};
    const auto decoded = event.id == evt::EventId::lost ? tl::unexpected(wire::event::Malformed::too_short)
                                                        : wire::event::decode(data);
    if (!decoded) return {};
    std::string subject = std::visit(Subject{}, *decoded);
    if (subject.empty()) return {};
    const auto publisher = static_cast<std::uint32_t>(static_cast<std::uint64_t>(event.id) >> 32U);
    return subject.append(1, '\0').append(std::to_string(publisher));
}

}  // namespace

std::vector<bool> made_old(std::span<const evt::Delivery> deliveries) {
    std::vector<bool> old(deliveries.size());
    std::unordered_set<std::string> said_later;
    for (std::size_t i = deliveries.size(); i-- > 0;) {
        std::string subject = subject_of(*deliveries[i].event);
        old[i] = !subject.empty() && !said_later.insert(std::move(subject)).second;
    }
    return old;
}

}  // namespace lamplight::bus::ais
