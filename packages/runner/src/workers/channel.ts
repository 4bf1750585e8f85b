/** One end of a connection that carries messages, in order. */
export interface Channel<Out, In> {
  /** Sends a message. Without effect once the connection is closed. */
  send(message: Out): void;
  /** Hears every message, already validated; what is not valid closes the connection with an error. Set once. */
  onMessage(listener: (message: In) => void): void;
  /** Hears, once, that the connection is gone; with the error if that is why. */
  onClose(listener: (error: Error | undefined) => void): void;
  close(): void;
}
