#include "bus/sync/lane.hpp"

#include <algorithm>

namespace lamplight::bus::sync {

using wire::MutableBytes;
using namespace wire::vote;

namespace {

constexpr std::uint8_t formats[] = {wire::vote::format};
constexpr std::uint32_t slice = 65'536;        ///< devices looked at for one frame of a snapshot
constexpr std::uint32_t mailbox_slice = 4096;  ///< mailboxes

template <typename T>
void add_once(std::vector<T>& list, const T& item) {
    if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
}

template <typename T>
T take_first(std::vector<T>& list) {
    T first = list.front();
    list.erase(list.begin());
    return first;
}

}  // namespace

// --- what is to be said ---

void Lane::vote_changed(std::size_t place, state::DeviceId device) {
    changes_.add({static_cast<std::uint16_t>(place), state::index_of(device)});
}

void Lane::mwi_changed(std::size_t place, const state::Mailbox& mailbox) {
    mwi_changes_.insert({static_cast<std::uint16_t>(place), mailbox});
}

void Lane::send_snapshot(std::size_t place) {
    if (snapshot_ && snapshot_->place == place && !snapshot_->begun) return;
    add_once(snapshots_wanted_, static_cast<std::uint16_t>(place));
}

void Lane::restart_snapshot(std::size_t place) {
    if (snapshot_ && snapshot_->place == place) snapshot_.reset();
    send_snapshot(place);
}

void Lane::send_snapshots_of_all() {
    for (std::size_t place = 0; place < own_.size(); ++place)
        send_snapshot(place);
}

void Lane::renew_names() {
    if (table_ == frame_table) return;
    defined_.clear();
    if (++table_ == frame_table) ++table_;
}

void Lane::request_snapshot(const state::Eid& eid) {
    add_once(snapshot_requests_, eid);
}

void Lane::request_since(const state::Eid& eid, state::Version newest) {
    const auto same =
        std::find_if(sinces_.begin(), sinces_.end(), [&](const Since& wanted) { return wanted.eid == eid; });
    if (same == sinces_.end())
        sinces_.push_back({eid, newest});
    else
        same->newest = std::min(same->newest, newest);
}

void Lane::answer_since(std::size_t place, state::Version newest) {
    const state::NodeId node = own_[place].id;
    for (std::uint32_t device = 0; device < bound(); ++device) {
        const auto view = engine_.vote(state::DeviceId{device}, node);
        if (view && view->version.exists() && view->version > newest)
            vote_changed(place, state::DeviceId{device});
    }
    mwi_.for_each([&](const state::Mailbox& mailbox) {
        if (mwi_.vote(mailbox, node)) mwi_changed(place, mailbox);
    });
    say_digest(place);
    ++counters_.sinces_answered;
}

void Lane::say_digests() {
    for (std::size_t place = 0; place < own_.size(); ++place)
        say_digest(place);
}

void Lane::say_digest(std::size_t place) {
    add_once(digests_wanted_, static_cast<std::uint16_t>(place));
}

void Lane::copy_to(Lane& other) const {
    changes_.for_each([&](OwnVote vote) { other.changes_.add(vote); });
    other.mwi_changes_.insert(mwi_changes_.begin(), mwi_changes_.end());
    for (const InFlight& frame : in_flight_) {
        for (const OwnVote& vote : frame.votes)
            other.changes_.add(vote);
        other.mwi_changes_.insert(frame.mwi.begin(), frame.mwi.end());
    }
}

void Lane::pbx_link_changed(std::size_t place) {
    add_once(links_changed_, static_cast<std::uint16_t>(place));
}

void Lane::say_unsupported(std::uint8_t format) {
    add_once(unsupported_, format);
}

void Lane::clear() {
    changes_.clear();
    mwi_changes_.clear();
    renew_names();
    hello_wanted_ = hello_running_ = hello_request_ = false;
    hello_known_.clear();
    snapshot_requests_.clear();
    links_changed_.clear();
    sinces_.clear();
    unsupported_.clear();
    digests_wanted_.clear();
    snapshots_wanted_.clear();
    snapshot_.reset();
    in_flight_.clear();
    in_flight_votes_ = 0;
}

// --- whether there is something ---

bool Lane::words_wait() const {
    return !unsupported_.empty() || hello_wanted_ || hello_running_ || hello_request_ ||
           !snapshot_requests_.empty() || !sinces_.empty() || !links_changed_.empty();
}

bool Lane::goodbye_is_due() const {
    return goodbye_ && (*goodbye_ == Goodbye::How::left || (!changes_wait() && !words_wait()));
}

/// Nothing to say and nothing under way, digests apart: what was delivered so far is what there is.
bool Lane::quiet() const {
    if (beside_ != nullptr && beside_->waiting() > 0) return false;
    return !words_wait() && waiting() == 0 && !snapshot_ && snapshots_wanted_.empty() && in_flight_.empty();
}

bool Lane::wants_to_send() const {
    if (closed_) return false;
    if (goodbye_is_due() || words_wait() || changes_wait()) return true;
    if (snapshot_ || !snapshots_wanted_.empty()) return true;
    return !digests_wanted_.empty() && quiet();
}

bool Lane::has_fresh() const {
    if (closed_) return false;
    if (goodbye_is_due() || words_wait() || changes_wait()) return true;
    return !digests_wanted_.empty() && quiet();
}

// --- what is said ---

Taken Lane::take(MutableBytes out) {
    if (closed_) return {};
    out = out.first(std::min(out.size(), max_frame_bytes));
    InFlight about = fresh_record();
    std::size_t bytes = take_goodbye(out, about);
    if (bytes == 0) bytes = take_unsupported(out, about);
    if (bytes == 0) bytes = take_hello(out, about);
    if (bytes == 0) bytes = take_request(out, about);
    if (bytes == 0) bytes = take_pbx_link(out, about);
    if (bytes == 0) bytes = take_snapshot_edge(out, about);
    if (bytes == 0 && mwi_turn_) bytes = take_mwi(out, about);
    if (bytes == 0) bytes = take_votes(out, about);
    if (bytes == 0) bytes = take_mwi(out, about);
    if (bytes == 0) bytes = take_snapshot_edge(out, about);  // the votes may have been none
    if (bytes == 0) bytes = take_digests(out, about);
    if (bytes == 0) {
        spare_.push_back(std::move(about.votes));
        return {};
    }
    about.id = FrameId{++frames_};
    in_flight_votes_ += about.vote_count();
    ++counters_.frames_out;
    const bool fresh = about.fresh;
    in_flight_.push_back(std::move(about));
    return {bytes, FrameId{frames_}, fresh};
}

std::size_t Lane::take_goodbye(MutableBytes out, InFlight& about) {
    if (!goodbye_is_due()) return 0;
    closed_ = true;
    about.about = InFlight::About::goodbye;
    return encode(Goodbye{*goodbye_}, out);
}

std::size_t Lane::take_unsupported(MutableBytes out, InFlight& about) {
    if (unsupported_.empty()) return 0;
    about.about = InFlight::About::unsupported;
    about.format = take_first(unsupported_);
    return encode(Unsupported{about.format, formats}, out);
}

void Lane::start_hello() {
    hello_wanted_ = false;
    hello_running_ = true;
    hello_next_ = 0;
    hello_known_.clear();
    engine_.for_each_node([&](const state::NodeView& node) {
        if (!node.own && node.incarnation != 0 && node.incarnation <= max_incarnation)
            hello_known_.push_back({node.eid, node.incarnation});
    });
}

std::size_t Lane::take_hello(MutableBytes out, InFlight& about) {
    if (hello_wanted_) start_hello();
    if (!hello_running_) return 0;
    std::vector<HelloNode> nodes;
    for (std::size_t i = hello_next_; i < own_.size(); ++i)
        nodes.push_back({own_[i].eid, own_[i].incarnation, own_[i].speaks, own_[i].pbx_link, own_[i].name});
    const HelloPart part = encode_hello({formats, software_, nodes, hello_known_}, out);
    hello_next_ += part.nodes;
    hello_known_.erase(hello_known_.begin(), hello_known_.begin() + static_cast<std::ptrdiff_t>(part.known));
    hello_running_ = hello_next_ < own_.size() || !hello_known_.empty();
    about.about = InFlight::About::hello;
    return part.bytes;
}

std::size_t Lane::take_request(MutableBytes out, InFlight& about) {
    if (hello_request_) {
        hello_request_ = false;
        about.about = InFlight::About::request_hello;
        return encode(Request{Request::What::hello, {}}, out);
    }
    if (!sinces_.empty()) {
        const Since since = take_first(sinces_);
        about.about = InFlight::About::request_since;
        about.eid = since.eid;
        about.newest = since.newest;
        ++counters_.sinces_asked;
        return encode(since, out);
    }
    if (snapshot_requests_.empty()) return 0;
    about.about = InFlight::About::request_snapshot;
    about.eid = take_first(snapshot_requests_);
    ++counters_.snapshots_requested;
    return encode(Request{Request::What::snapshot, about.eid}, out);
}

std::size_t Lane::take_pbx_link(MutableBytes out, InFlight& about) {
    if (links_changed_.empty()) return 0;
    about.about = InFlight::About::pbx_link;
    about.place = take_first(links_changed_);
    return encode(PbxLink{own_[about.place].eid, own_[about.place].pbx_link}, out);
}

/// The begin or end of a snapshot when it is time for one.
std::size_t Lane::take_snapshot_edge(MutableBytes out, InFlight& about) {
    if (goodbye_) return 0;
    if (!snapshot_ && !snapshots_wanted_.empty())
        snapshot_ = Snapshot{.place = take_first(snapshots_wanted_), .mailbox = {}};
    if (!snapshot_) return 0;
    if (snapshot_->begun && (snapshot_->device < bound() || !snapshot_->mailboxes_done)) return 0;
    about.about = InFlight::About::snapshot_edge;
    about.fresh = false;
    about.place = static_cast<std::uint16_t>(snapshot_->place);
    const OwnNode& node = own_[snapshot_->place];
    if (!snapshot_->begun) {
        snapshot_->begun = true;
        return encode(SnapshotBegin{node.eid, node.incarnation}, out);
    }
    const std::uint32_t votes = snapshot_->votes;
    snapshot_.reset();
    ++counters_.snapshots_sent;
    return encode(SnapshotEnd{node.eid, node.incarnation, votes}, out);
}

std::size_t Lane::take_votes(MutableBytes out, InFlight& about) {
    const bool snapshot = snapshot_ && snapshot_->begun && !goodbye_;
    if (changes_.empty() && !snapshot) return 0;
    about.about = InFlight::About::votes;
    VotesWriter writer(out, table_);
    if (snapshot) about.snapshot = static_cast<std::uint16_t>(snapshot_->place);
    fill_with_changes(writer, snapshot ? out.size() / 4 : 0, about);
    about.fresh = !about.votes.empty();
    if (snapshot) fill_with_snapshot(writer, about);
    mwi_turn_ = true;
    return writer.finish();
}

void Lane::fill_with_changes(VotesWriter& writer, std::size_t keep_free, InFlight& about) {
    while (!changes_.empty() && writer.left() > keep_free) {
        const OwnVote vote = changes_.first();
        if (add_vote(writer, vote.place, vote.device, about) == Added::no_room) return;
        changes_.remove_first();
    }
}

void Lane::fill_with_snapshot(VotesWriter& writer, InFlight& about) {
    const std::uint32_t end = std::min<std::uint64_t>(bound(), std::uint64_t{snapshot_->device} + slice);
    while (snapshot_->device < end) {
        if (add_vote(writer, snapshot_->place, snapshot_->device, about) == Added::no_room) return;
        ++snapshot_->device;
    }
}

Lane::Added Lane::add_vote(VotesWriter& writer, std::size_t place, std::uint32_t device, InFlight& about) {
    const OwnNode& node = own_[place];
    const auto view = engine_.vote(state::DeviceId{device}, node.id);
    if (!view || !view->version.exists()) return Added::nothing_there;
    if (device >= max_name_ids) {
        ++counters_.votes_unsendable;
        return Added::nothing_there;
    }
    VoteEntry vote;
    vote.name_id = device;
    vote.sequence = view->version.sequence;
    vote.state = view->withdrawn ? state::DeviceState::unknown : view->state;
    vote.kind = view->withdrawn ? state::VoteKind::withdrawal : state::VoteKind::state;
    vote.cachable = view->cachable ? state::Cachable::yes : state::Cachable::no;
    if (table_ == frame_table || !defined_.has(device))
        vote.name = engine_.device_name(state::DeviceId{device});
    if (!writer.add(node.eid, view->version.incarnation, vote)) return Added::no_room;
    defined_.add(device);
    about.votes.push_back({static_cast<std::uint16_t>(place), device});
    if (snapshot_ && snapshot_->begun && snapshot_->place == place) ++snapshot_->votes;
    return Added::yes;
}

// --- message counts ---

bool Lane::snapshot_of_mailboxes() const {
    return snapshot_ && snapshot_->begun && !goodbye_ && snapshot_->device >= bound() &&
           !snapshot_->mailboxes_done;
}

std::size_t Lane::take_mwi(MutableBytes out, InFlight& about) {
    mwi_turn_ = false;
    const bool snapshot = snapshot_of_mailboxes();
    if (mwi_changes_.empty() && !snapshot) return 0;
    about.about = InFlight::About::mwi;
    MwiWriter writer(out);
    if (snapshot_ && snapshot_->begun) about.snapshot = static_cast<std::uint16_t>(snapshot_->place);
    fill_with_mwi_changes(writer, snapshot ? out.size() / 4 : 0, about);
    about.fresh = !about.mwi.empty();
    if (snapshot) fill_with_mwi_snapshot(writer, about);
    return writer.finish();
}

void Lane::fill_with_mwi_changes(MwiWriter& writer, std::size_t keep_free, InFlight& about) {
    while (!mwi_changes_.empty() && writer.left() > keep_free) {
        const auto first = mwi_changes_.begin();
        if (add_mwi(writer, first->place, first->mailbox, about) == Added::no_room) return;
        mwi_changes_.erase(first);
    }
}

void Lane::fill_with_mwi_snapshot(MwiWriter& writer, InFlight& about) {
    for (std::uint32_t looked_at = 0; looked_at < mailbox_slice; ++looked_at) {
        const state::Mailbox* next = mwi_.after(snapshot_->mailbox ? &*snapshot_->mailbox : nullptr);
        if (next == nullptr) {
            snapshot_->mailboxes_done = true;
            return;
        }
        if (add_mwi(writer, snapshot_->place, *next, about) == Added::no_room) return;
        snapshot_->mailbox = *next;
    }
}

Lane::Added Lane::add_mwi(MwiWriter& writer, std::size_t place, const state::Mailbox& mailbox,
                          InFlight& about) {
    const OwnNode& node = own_[place];
    const auto view = mwi_.vote(mailbox, node.id);
    if (!view || !view->version.exists()) return Added::nothing_there;
    MwiEntry vote;
    vote.sequence = view->version.sequence;
    vote.kind = view->withdrawn ? state::VoteKind::withdrawal : state::VoteKind::state;
    vote.new_messages = view->counts.new_messages;
    vote.old_messages = view->counts.old_messages;
    vote.mailbox = mailbox.name;
    vote.context = mailbox.context;
    if (!writer.add(node.eid, view->version.incarnation, vote)) return Added::no_room;
    about.mwi.push_back({static_cast<std::uint16_t>(place), mailbox});
    if (snapshot_ && snapshot_->begun && snapshot_->place == place) ++snapshot_->votes;
    return Added::yes;
}

std::size_t Lane::take_digests(MutableBytes out, InFlight& about) {
    if (digests_wanted_.empty() || !quiet()) return 0;
    std::vector<DigestEntry> digests;
    for (const std::uint16_t place : digests_wanted_) {
        OwnNode& node = own_[place];
        if (!node.digest) node.digest = engine_.digest(node.id);
        digests.push_back({node.eid, node.incarnation, node.digest->votes, node.digest->hash});
    }
    std::size_t taken = 0;
    const std::size_t bytes = encode_digests(digests, out, taken);
    const auto rest = digests_wanted_.begin() + static_cast<std::ptrdiff_t>(taken);
    about.digests.assign(digests_wanted_.begin(), rest);
    digests_wanted_.erase(digests_wanted_.begin(), rest);
    about.about = InFlight::About::digests;
    return bytes;
}

// --- what became of it ---

Lane::InFlight Lane::fresh_record() {
    InFlight record;
    if (!spare_.empty()) {
        record.votes = std::move(spare_.back());
        spare_.pop_back();
    }
    return record;
}

void Lane::delivered(FrameId id) {
    while (!in_flight_.empty() && in_flight_.front().id <= id) {
        InFlight& frame = in_flight_.front();
        counters_.votes_out += frame.votes.size();
        counters_.mwi_out += frame.mwi.size();
        in_flight_votes_ -= frame.vote_count();
        frame.votes.clear();
        constexpr std::size_t enough = 32;
        if (spare_.size() < enough) spare_.push_back(std::move(frame.votes));
        in_flight_.pop_front();
    }
}

void Lane::lost(FrameId id) {
    const auto found = std::find_if(in_flight_.begin(), in_flight_.end(),
                                    [&](const InFlight& frame) { return frame.id == id; });
    if (found == in_flight_.end()) return;
    const InFlight frame = std::move(*found);
    in_flight_.erase(found);
    in_flight_votes_ -= frame.vote_count();
    ++counters_.frames_lost;
    say_again(frame);
}

void Lane::say_again(const InFlight& frame) {
    using About = InFlight::About;
    switch (frame.about) {
        case About::hello:
            return say_hello();
        case About::request_hello:
            return request_hello();
        case About::request_snapshot:
            return request_snapshot(frame.eid);
        case About::request_since:
            return request_since(frame.eid, frame.newest);
        case About::pbx_link:
            return pbx_link_changed(frame.place);
        case About::unsupported:
            return say_unsupported(frame.format);
        case About::goodbye:
            closed_ = false;
            return;
        case About::snapshot_edge:
            return restart_snapshot(frame.place);
        case About::digests:
            for (const std::uint16_t place : frame.digests)
                say_digest(place);
            return;
        case About::votes:
        case About::mwi:
            break;
    }
    for (const OwnVote& vote : frame.votes) {
        defined_.remove(vote.device);
        changes_.add(vote);
    }
    mwi_changes_.insert(frame.mwi.begin(), frame.mwi.end());
    if (frame.snapshot) restart_snapshot(*frame.snapshot);
}

}  // namespace lamplight::bus::sync
