/** What can be on a {@linkcode Roster}, on one at a time. */
export interface Rostered {
  /** Its place, kept by the roster; -1 when it is on none. */
  rosterIndex: number;
}

/**
 * What is under way now. A `Set` would do, but one that gains and loses a member with each request is rehashed all
 * the time, and V8 links each old table to the next: dead requests then survive until a full collection.
 */
export class Roster<Member extends Rostered> {
  readonly #members: Member[] = [];

  /** Adds a member that is on no roster. */
  add(member: Member): void {
    member.rosterIndex = this.#members.length;
    this.#members.push(member);
  }

  /** Removes a member; harmless if it is on no roster. The order of the others may change. */
  remove(member: Member): void {
    const at = member.rosterIndex;
    if (at === -1) return;
    const last = this.#members.pop()!;
    if (last !== member) {
      this.#members[at] = last;
      last.rosterIndex = at;
    }
    member.rosterIndex = -1;
  }

  /** A copy of the members, so that they may come and go while it is walked. */
  toArray(): Member[] {
    return [...this.#members];
  }
}
