#include "c2s/srv.hpp"

#include <algorithm>

namespace lamplight::c2s {

namespace {

using Records = std::vector<Srv>;

/// RFC 2782: those of weight 0 first, then the first whose running sum reaches a number by chance.
Records::iterator pick(Records& equals, const std::function<std::uint32_t(std::uint32_t)>& random) {
    std::uint32_t sum = 0;
    for (const Srv& record : equals)
        sum += record.weight;
    const std::uint32_t chosen = random(sum);
    std::uint32_t running = 0;
    return std::find_if(equals.begin(), equals.end() - 1, [&](const Srv& record) {
        running += record.weight;
        return running >= chosen;
    });
}

void append_by_weight(Records equals, const std::function<std::uint32_t(std::uint32_t)>& random,
                      Records& out) {
    std::ranges::stable_partition(equals, [](const Srv& record) { return record.weight == 0; });
    while (!equals.empty()) {
        const auto picked = pick(equals, random);
        out.push_back(std::move(*picked));
        equals.erase(picked);
    }
}

}  // namespace

bool says_no_service(const std::vector<Srv>& records) {
    return records.size() == 1 && records.front().target.empty();
}

std::vector<Srv> in_order(std::vector<Srv> records,
                          const std::function<std::uint32_t(std::uint32_t)>& random) {
    std::erase_if(records, [](const Srv& record) { return record.target.empty(); });
    std::ranges::stable_sort(records, {}, &Srv::priority);
    Records out;
    for (auto first = records.begin(); first != records.end();) {
        const auto last = std::find_if(first, records.end(),
                                       [&](const Srv& record) { return record.priority != first->priority; });
        append_by_weight(Records(first, last), random, out);
        first = last;
    }
    if (out.size() > most_srv_records) out.resize(most_srv_records);
    return out;
}

}  // namespace lamplight::c2s
