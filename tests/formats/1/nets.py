"""The user's network of the stored studies; it fails on purpose where a layer has 13 units."""

from torch import Tensor, nn


class Small(nn.Module):
    """Two linear layers on pictures of any shape."""

    def __init__(
        self, input_shape: tuple[int, int, int], n_classes: int, *, dropout: float = 0.1, hidden: int = 16
    ) -> None:
        super().__init__()
        if hidden == 13:
            raise ValueError("13 brings bad luck")
        channels, height, width = input_shape
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(channels * height * width, hidden),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, n_classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Logits [batch, classes] of images [batch, channels, height, width]."""
        return self.layers(images)
