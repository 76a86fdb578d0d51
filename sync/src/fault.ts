/** Tells the link's faults apart by the errors that Node and undici raise. */
import type { Fault } from './link.ts';

/** A request to the cloud that got no answer from the app. */
export class CloudFault extends Error {
  readonly fault: Fault;
  /** Whether a byte of the request may have left this box: if not, it can be sent again without a second thought. */
  readonly sent: boolean;
  constructor(fault: Fault, sent: boolean, options?: ErrorOptions) {
    super(`no answer from the cloud: ${fault}`, options);
    this.name = 'CloudFault';
    this.fault = fault;
    this.sent = sent;
  }
}
