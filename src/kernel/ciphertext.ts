declare const brand: unique symbol

/**
 * One binary OpenPGP message for one pinned encryption subkey: one PKESK packet for that subkey, then one SEIPD
 * packet, nothing else. Only the outbound gate of `sealer/host` makes one, after parsing the bytes;
 * whatever sends mail accepts nothing else.
 */
export type Ciphertext = Uint8Array & { readonly [brand]: 'Ciphertext' }
