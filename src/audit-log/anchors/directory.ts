import { constants } from 'node:fs'
import { type FileHandle, open, opendir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Checkpoint } from '../checkpoint.ts'
import { type Anchor, AnchorError } from './anchor.ts'
import { assertContained, type OwnLog } from './own-log.ts'

// A crash in the midst of writing leaves a piece under the name; so often another name is tried.
const namesPerSize = 10
// What was torn, or is not of us, hides no more than so many names from what is below.
const lookedAt = 32
const mostOctets = 64 * 1024

/**
 * A directory that files can be added to, and neither changed nor removed: one file for each checkpoint, named by its size, made
 * exclusively, on disk before it counts. Before it adds one it sees that the largest there is contained in our tree.
 */
export function openDirectoryAnchor(path: string, own: OwnLog): Anchor {
  return {
    name: 'directory',
    async anchor(checkpoint, proofFrom) {
      await assertLargestContained(path, own, checkpoint, proofFrom)
      await add(path, checkpoint)
      return undefined
    },
  }
}

async function assertLargestContained(
  path: string,
  own: OwnLog,
  checkpoint: Checkpoint,
  proofFrom: (size: number) => Promise<readonly Uint8Array[]>,
): Promise<void> {
  const names = await largestNames(path)
  let foreign: AnchorError | undefined
  for (const name of names) {
    const content = await readSmall(join(path, name))
    const head = await own.open(content)
    if ('head' in head) {
      // Proof that we are behind comes before what is odd beside it.
      await assertContained(head.head, checkpoint, proofFrom)
      if (Number(name.slice(0, 12)) !== head.head.size) foreign ??= new AnchorError('content_refused')
      break
    }
    if (await isTorn(content, Number(name.slice(0, 12)), own)) continue
    foreign ??= new AnchorError(head.refused)
  }
  if (foreign !== undefined) throw foreign
}

/** Those that are named like a checkpoint, the largest first. */
async function largestNames(path: string): Promise<readonly string[]> {
  let largest: string[] = []
  try {
    // A year has half a million: they are not held at once.
    for await (const { name } of await opendir(path, { bufferSize: 1024 })) {
      if (!/^[0-9]{12}(?:\.[1-9])?$/.test(name)) continue
      largest.push(name)
      if (largest.length > 2 * lookedAt) largest = largest.sort().reverse().slice(0, lookedAt)
    }
  } catch (cause) {
    throw new AnchorError('not_writable', cause)
  }
  return largest.sort().reverse().slice(0, lookedAt)
}

/** Whether it is the beginning of what we wrote, or began to write, under this size. */
async function isTorn(content: Buffer, size: number, own: OwnLog): Promise<boolean> {
  const note = await own.noteOf(size)
  return note !== undefined && isBeginning(content, note)
}

function isBeginning(content: Buffer, note: string): boolean {
  const whole = Buffer.from(note)
  return content.length < whole.length && whole.subarray(0, content.length).equals(content)
}

async function add(path: string, { size, note }: Checkpoint): Promise<void> {
  const name = String(size).padStart(12, '0')
  for (let n = 0; n < namesPerSize; n++) {
    const file = join(path, n === 0 ? name : `${name}.${n}`)
    if (await create(file, note)) {
      await syncDirectory(path)
      return
    }
    const content = await readSmall(file)
    if (content.equals(Buffer.from(note))) {
      // Written before a crash, maybe not on disk.
      await using handle = await openFile(file, constants.O_RDONLY)
      await handle.sync()
      await syncDirectory(path)
      return
    }
    if (!isBeginning(content, note)) throw new AnchorError('content_refused')
  }
  throw new AnchorError('not_writable')
}

/** False when the name is taken. */
async function create(file: string, note: string): Promise<boolean> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  let handle: FileHandle
  try {
    // Nothing has to be changed or renamed afterwards: an append-only directory allows neither.
    handle = await open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o444)
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') return false
    throw new AnchorError('not_writable', cause)
  }
  try {
    // A crash here leaves an empty file or a piece of the note; the next pass tells it by the note and takes another name.
    await handle.writeFile(note)
    await handle.sync()
  } catch (cause) {
    throw new AnchorError('not_writable', cause)
  } finally {
    await handle.close()
  }
  // A crash here leaves a whole file that may be gone with the power; the next pass finds it or writes it again.
  return true
}

async function syncDirectory(path: string): Promise<void> {
  await using handle = await openFile(path, constants.O_RDONLY | constants.O_DIRECTORY)
  await handle.sync()
}

async function readSmall(file: string): Promise<Buffer> {
  await using handle = await openFile(file, constants.O_RDONLY | constants.O_NOFOLLOW)
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(mostOctets), 0, mostOctets, 0)
  return buffer.subarray(0, bytesRead)
}

async function openFile(file: string, flags: number): Promise<FileHandle> {
  try {
    // A pipe in place of a file must not be waited for.
    return await open(file, flags | constants.O_NONBLOCK)
  } catch (cause) {
    throw new AnchorError('not_writable', cause)
  }
}
