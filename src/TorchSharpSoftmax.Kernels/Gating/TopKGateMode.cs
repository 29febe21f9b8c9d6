namespace TorchSharpSoftmax.Kernels;

/// <summary>How a gate makes weights of the k experts that it keeps.</summary>
public enum TopKGateMode
{
    /// <summary>Softmax over the kept logits: weights sum to 1. With k = 1 the weight is 1 whatever the logits, and its gradient 0.</summary>
    KeptSoftmax,

    /// <summary>Softmax over all logits, of which the kept ones stay as they are: weights sum to less than 1, and every expert has a gradient.</summary>
    Softmax,

    /// <summary>Softmax over all logits, the kept ones divided by their sum: another name of <see cref="KeptSoftmax"/>, value for value.</summary>
    SoftmaxRenormalized,

    /// <summary>Sigmoid scores; a bias and groups take part in the choice, and only there; the kept scores are divided by their sum.</summary>
    Sigmoid,
}
