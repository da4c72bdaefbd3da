#pragma once

#include "sim/random.hpp"
#include "sim/scheduler.hpp"
#include "state/policy.hpp"
#include "wire/bytes.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace lamplight::sim {

/// One life of one process on the bus; never used again.
enum class ProcessId : std::uint32_t {};

/// What the bus tells a process. It may send from within; joining and ending it leaves to the scheduler.
class BusListener {
public:
    virtual ~BusListener() = default;
    virtual void on_joined(ProcessId peer, const std::string& label) = 0;
    virtual void on_gone(ProcessId peer, state::Departure departure) = 0;
    virtual void on_present(ProcessId peer) = 0;
    virtual void on_frame(ProcessId from, wire::Bytes frame) = 0;
    /// A frame of its own has come to everybody it can come to, or will not come to its addressee.
    virtual void on_sent(std::uint64_t token) = 0;
    virtual void on_lost(std::uint64_t token) = 0;
};

struct BusTimes {
    Duration delay{1};         ///< of a message
    Duration jitter{0};        ///< at most so much more, drawn for each message; the order stays
    Duration detection{1000};  ///< until a cut or a dead host is noticed; the ring stands still meanwhile
    Duration merge{50};        ///< from a healed cut to the merged membership
    Duration failure{3};       ///< from a process's death to the others' knowing
};

/// A ring with total order and membership, as Corosync's closed process groups behave: whatever happens in a
/// component, messages, joins, departures, its members see in one order. A frame that was accepted before a
/// cut reaches the sender's side only. A sender hears its own frames too.
///
/// The same model stands in for a bus where each talks to each: a frame then has an addressee.
class ModelBus {
public:
    ModelBus(Scheduler& scheduler, Random& random, const BusTimes& times)
        : scheduler_(scheduler), random_(random), times_(times) {}

    /// `listener` must live until leave, kill or host_down.
    ProcessId join(const std::string& host, BusListener& listener, std::string label);
    /// The process goes, with a word (left) or without (failed).
    void leave(ProcessId process) { end(process, state::Departure::left); }
    void kill(ProcessId process) { end(process, state::Departure::failed); }
    /// Nothing comes from the host any more, and nobody says so.
    void host_down(const std::string& host);
    /// To one, or to everybody.
    void send(ProcessId from, std::optional<ProcessId> to, std::vector<std::uint8_t> frame,
              std::uint64_t token);

    /// Hosts that are in no group stand alone.
    void partition(const std::vector<std::vector<std::string>>& groups);
    void heal();

    /// Whether the two see each other now: in one component, and no cut under way.
    bool connected(ProcessId left, ProcessId right) const;
    BusTimes& times() { return times_; }

private:
    struct Process {
        std::string host;
        std::string label;
        BusListener* listener = nullptr;  ///< nullptr: ended
        bool member = false;              ///< the ring has it
        bool unplugged = false;           ///< its host went down under it
        std::set<ProcessId> present;
        std::set<ProcessId> silent;
    };
    struct Item {
        enum class Kind : std::uint8_t { join, gone, frame } kind{};
        ProcessId process{};
        state::Departure departure{};
        std::optional<ProcessId> to;
        std::vector<std::uint8_t> frame;
        std::uint64_t token = 0;
        std::uint64_t order = 0;
    };
    struct Component {
        bool frozen = false;
        std::deque<Item> waiting;  ///< while it is frozen
    };

    void end(ProcessId process, state::Departure departure);
    void enqueue(Item item, Duration delay);
    void arrive(Item item);
    void happen(const Item& item);
    void happen_frame(const Item& item);
    void change_components(std::map<std::string, int> components, Duration delay);
    std::map<std::string, int> wanted_components() const;
    void install();
    void tell_membership(ProcessId id);
    int component_of(const std::string& host) const;
    bool same_component(ProcessId left, ProcessId right) const;
    Process& at(ProcessId id) { return processes_[static_cast<std::size_t>(id)]; }
    const Process& at(ProcessId id) const { return processes_[static_cast<std::size_t>(id)]; }

    Scheduler& scheduler_;
    Random& random_;
    BusTimes times_;
    std::deque<Process> processes_;
    std::map<std::string, int> component_;            ///< by host; 0 when not in it
    std::optional<std::map<std::string, int>> next_;  ///< what the installation under way will bring
    std::set<std::string> down_;                      ///< hosts
    std::map<int, Component> components_;
    std::uint64_t installation_ = 0;
    std::uint64_t items_ = 0;
    Time last_arrival_{};
};

}  // namespace lamplight::sim
