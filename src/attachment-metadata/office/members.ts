import { type Member, pack, unpack } from './zip.ts'

/** What all members of an archive together may unpack to. */
const unpacked = 256 * 1024 * 1024

/** An archive on its way to another one. */
export class Members {
  readonly #members: Map<string, Member>
  readonly #budget = { left: unpacked }

  constructor(members: readonly Member[]) {
    this.#members = new Map(members.map(member => [member.name, member]))
  }

  names(): string[] {
    return [...this.#members.keys()]
  }

  has(name: string): boolean {
    return this.#members.has(name)
  }

  read(name: string): Buffer | undefined {
    const member = this.#members.get(name)
    return member === undefined ? undefined : unpack(member, this.#budget)
  }

  /** In its place. */
  replace(name: string, content: Buffer | string): void {
    this.#members.set(
      name,
      pack(name, typeof content === 'string' ? Buffer.from(content, 'latin1') : content),
    )
  }

  drop(name: string): void {
    this.#members.delete(name)
  }

  all(): Member[] {
    return [...this.#members.values()]
  }
}
