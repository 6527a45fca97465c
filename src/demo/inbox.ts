import type { ReceivedMail } from './mail-server.ts'

/** Every mailbox of the demo. */
export interface Inbox {
  /** Takes in a mail. */
  readonly receive: (mail: ReceivedMail) => void
  /** The next mail for an address that nobody took yet; waits for it, half a minute at most. */
  next(address: string): Promise<Buffer>
  /** From now on, every mail goes to `watcher`, those that nobody took first. */
  watch(watcher: (mail: ReceivedMail) => void): void
}

const patience = 30_000

export function openInbox(): Inbox {
  const mails: ReceivedMail[] = []
  const changed = new EventTarget()
  let watching: ((mail: ReceivedMail) => void) | undefined
  const take = (address: string): Buffer | undefined => {
    const at = mails.findIndex(({ to }) => to.includes(address))
    return at === -1 ? undefined : mails.splice(at, 1)[0]?.bytes
  }
  return {
    receive(mail) {
      if (watching !== undefined) {
        watching(mail)
        return
      }
      mails.push(mail)
      changed.dispatchEvent(new Event('mail'))
    },
    next: address =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const mail = take(address)
          if (mail === undefined) return
          clearTimeout(giveUp)
          changed.removeEventListener('mail', look)
          resolve(mail)
        }
        const giveUp = setTimeout(() => {
          changed.removeEventListener('mail', look)
          reject(new Error(`no mail for ${address} arrived`))
        }, patience)
        changed.addEventListener('mail', look)
        look()
      }),
    watch(watcher) {
      watching = watcher
      for (const mail of mails.splice(0)) watcher(mail)
    },
  }
}
