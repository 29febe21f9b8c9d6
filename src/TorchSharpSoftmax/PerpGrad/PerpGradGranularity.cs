namespace TorchSharpSoftmax;

/// <summary>What counts as one vector when a gradient is made orthogonal to its weight.</summary>
public enum PerpGradGranularity
{
    /// <summary>Each tensor, as in the paper's code.</summary>
    Tensor,

    /// <summary>
    /// Each slice of dim 0: a neuron's row of a linear weight, a filter of a convolution. A tensor of one dimension or none is one vector: a slice of it would
    /// be one number, which is always parallel.
    /// </summary>
    Row,

    /// <summary>All parameters of the call, or of the optimizer, together: the paper's formula.</summary>
    Global,
}
