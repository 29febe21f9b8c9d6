namespace TorchSharpSoftmax;

/// <summary>A derivative that <c>torch.autograd.gradcheck</c> or <c>gradgradcheck</c> found wrong, missing, not repeatable or failing.</summary>
/// <param name="message">Which output, which input, which elements, and both numbers.</param>
/// <param name="innerException">Why a backward failed, where one did.</param>
public sealed class GradcheckException(string message, Exception? innerException = null) : Exception(message, innerException);
