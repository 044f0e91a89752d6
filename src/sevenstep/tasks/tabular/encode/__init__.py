"""From columns of any kind to matrices: everything that is learnt here is learnt from the training rows of a fold."""
