namespace TorchSharpSoftmax.Kernels;

/// <summary>How softmax and log-softmax walk over a row. All choices give the same values up to rounding.</summary>
public enum SoftmaxAlgorithm
{
    /// <summary>The faster one by measurement, by row length, element type and vector width.</summary>
    Auto = 0,

    /// <summary>Two reads and one write ("The Two-Pass Softmax Algorithm"): best where a row leaves the cache.</summary>
    TwoPass = 1,

    /// <summary>Maximum, exponentials with their sum, scaling: one exponential per element, best where a row stays in the cache.</summary>
    ThreePass = 2,
}
