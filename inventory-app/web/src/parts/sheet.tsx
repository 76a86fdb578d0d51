/** A dialog: a card on a desk, a sheet from below on a phone. */
import type { ReactNode } from 'react';
import { Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';

interface Props {
  over?: string;
  title: string;
  onClose(): void;
  children: ReactNode;
}

export function Sheet({ over, title, onClose, children }: Props) {
  return (
    <ModalOverlay isOpen isDismissable onOpenChange={(isOpen) => isOpen || onClose()} className="overlay">
      <Modal className="modal">
        <Dialog className="sheet">
          {over === undefined ? null : <p className="over">{over}</p>}
          <Heading slot="title" level={2}>
            {title}
          </Heading>
          {children}
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
