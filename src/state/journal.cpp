#include "state/journal.hpp"

namespace lamplight::state {

JournalEntry Journal::entry(const Line& line) {
    return {DeviceId{line.device},    NodeId{line.node}, line.from, line.to,
            line.aggregate,           line.counted,      line.bus,  line.cause,
            Time{Duration{line.time}}};
}

}  // namespace lamplight::state
