using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>What an activation gate puts between the linear map and the softmax.</summary>
/// <remarks>
/// "Is Temperature Sample Efficient for Softmax Gaussian Mixture of Experts?" (Nguyen, Akbarian, Ho) needs activations s for which <c>x s'(b x)</c>, <c>s(b x)</c> and 1 are
/// linearly independent as functions of x. Those from Tanh to Sin are. For those from Identity on, which are homogeneous, the first is a multiple of the second.
/// </remarks>
public enum DenseToSparseActivation
{
    /// <summary>tanh(x).</summary>
    Tanh,

    /// <summary>1 / (1 + exp(-x)).</summary>
    Sigmoid,

    /// <summary>x times the normal distribution's function.</summary>
    GELU,

    /// <summary>x times the sigmoid.</summary>
    SiLU,

    /// <summary>log(1 + exp(x)).</summary>
    Softplus,

    /// <summary>x above 0, exp(x) - 1 below.</summary>
    ELU,

    /// <summary>sin(x).</summary>
    Sin,

    /// <summary>x. Homogeneous: the condition fails.</summary>
    Identity,

    /// <summary>max(x, 0). Homogeneous: the condition fails.</summary>
    ReLU,

    /// <summary>x above 0, 0.01 x below. Homogeneous: the condition fails.</summary>
    LeakyReLU,

    /// <summary>|x|. Homogeneous: the condition fails.</summary>
    Abs,

    /// <summary>x^2. Homogeneous: the condition fails.</summary>
    Square,

    /// <summary>x^3. Homogeneous: the condition fails.</summary>
    Cube,
}

/// <summary>The activations as functions, and what is known of them.</summary>
internal static class DenseToSparseActivations
{
    internal const string Independent = "Tanh, Sigmoid, GELU, SiLU, Softplus, ELU or Sin";

    /// <summary>Whether the activation is homogeneous, so that the scores' directions depend on each other.</summary>
    internal static bool IsHomogeneous(this DenseToSparseActivation activation) => activation >= DenseToSparseActivation.Identity;

    internal static void Validate(DenseToSparseActivation activation)
    {
        if (activation is < DenseToSparseActivation.Tanh or > DenseToSparseActivation.Cube)
        {
            throw Check.OutOfRange(nameof(activation), (int)activation, $"{Independent}, or Identity, ReLU, LeakyReLU, Abs, Square or Cube,");
        }
    }

    internal static Tensor Of(this DenseToSparseActivation activation, Tensor x) => activation switch
    {
        DenseToSparseActivation.Tanh => x.tanh(),
        DenseToSparseActivation.Sigmoid => x.sigmoid(),
        DenseToSparseActivation.GELU => nn.functional.gelu(x),
        DenseToSparseActivation.SiLU => nn.functional.silu(x),
        DenseToSparseActivation.Softplus => x.neg().log_sigmoid().neg(), // softplus itself takes scalars that TorchSharp makes for the call
        DenseToSparseActivation.ELU => x.elu(Scalars.One, Scalars.One, Scalars.One),
        DenseToSparseActivation.Sin => x.sin(),
        DenseToSparseActivation.ReLU => x.relu(),
        DenseToSparseActivation.LeakyReLU => x.leaky_relu(Scalars.Hundredth),
        DenseToSparseActivation.Abs => x.abs(),
        DenseToSparseActivation.Square => x.mul(x),
        DenseToSparseActivation.Cube => x.mul(x).mul(x),
        _ => x,
    };
}
