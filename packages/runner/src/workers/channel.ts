/** One end of a connection that carries messages, in order. */
export interface Channel<Out, In> {
  /**
   * Sends a message. Without effect once the connection is closed.
   *
   * @param isPatient whether it may wait for the next message, at most until the event loop has its turn. Default: false.
   */
  send(message: Out, isPatient?: boolean): void;
  /** Hears every message, already validated; what is not valid closes the connection with an error. Set once. */
  onMessage(listener: (message: In) => void): void;
  /** Hears, once, that the connection is gone; with the error if that is why. */
  onClose(listener: (error: Error | undefined) => void): void;
  close(): void;
}
